"""What etcd promises beyond the suite: several stores are one, whatever is deleted, compacted, encrypted or foreign."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.conformance.etcd import Cluster, needs_etcd

from capstan.api.rules.certificates import Authority, Subject, Validity, issue, key_to_pkcs8_pem, self_signed_ca
from capstan.store.etcd import EtcdAddress, EtcdStore, messages
from capstan.store.etcd.layout import Layout, end_of
from capstan.store.etcd.members import Members
from capstan.store.protocol import (
    CompactedError,
    MismatchError,
    Put,
    Remove,
    StoreError,
    StoreUnavailableError,
)
from capstan.store.sealing import Encryption

pytestmark = needs_etcd

Story = Callable[[EtcdStore, EtcdStore], Awaitable[None]]


@pytest.fixture(scope="module")
def member(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("etcd")) as cluster:
        yield cluster


def put(name: str, expected: int = 0, value: str = "1", prefix: str = "g/things") -> Put:
    return Put(prefix, "a", name, b'{"metadata":{"name":"%s"},"v":"%s"}' % (name.encode(), value.encode()), expected)


def play(address: EtcdAddress, story: Story) -> None:
    async def main() -> None:
        one, other = await EtcdStore.open(address), await EtcdStore.open(address)
        try:
            await asyncio.wait_for(story(one, other), 30)
        finally:
            await one.close()
            await other.close()

    asyncio.run(main())


def test_what_one_writes_the_other_reads_at_once(member: Cluster) -> None:
    async def story(one: EtcdStore, other: EtcdStore) -> None:
        at = 0
        for number in range(50):
            (entry,) = await one.commit([put("x", at, str(number))])
            found = await other.get("g/things", "a", "x")
            assert found is not None and (found.revision, found.value) == (entry.revision, entry.value)
            (again,) = await other.commit([put("x", found.revision, f"{number}+")])
            page = await one.list("g/things")
            assert page.entries[0].value == again.value and page.revision >= again.revision
            at = again.revision
        with pytest.raises(MismatchError):
            await one.commit([put("x", at - 1)])
        with pytest.raises(MismatchError):
            await one.commit([put("y"), put("x")])
        assert await other.get("g/things", "a", "y") is None

    play(member.address("/reads"), story)


def test_deletes_reach_the_others_with_their_last_state(member: Cluster) -> None:
    async def story(one: EtcdStore, other: EtcdStore) -> None:
        made = await one.commit([put("x"), put("y"), put("z")])
        watch = await other.watch("g/things", made[-1].revision)
        last = b'{"metadata":{"name":"y"},"v":"last"}'
        gone = await one.commit(
            [
                Remove("g/things", "a", "x", made[0].revision),
                put("z", made[2].revision, "2"),
                Remove("g/things", "a", "y", made[1].revision, last),
            ]
        )
        changes = await watch.next()
        assert [(c.revision, c.deleted, c.entry.value) for c in changes] == [
            (gone[0].revision, True, made[0].value),
            (gone[1].revision, False, gone[1].value),
            (gone[2].revision, True, last),
        ]
        assert [c.previous and c.previous.revision for c in changes] == [
            entry.revision for entry in (made[0], made[2], made[1])
        ]
        assert gone[0].value == made[0].value and gone[2].value == last
        late = await EtcdStore.open(member.address("/deletes"))
        replayed = await (await late.watch("g/things", made[-1].revision)).next()
        assert [(c.revision, c.entry.value) for c in replayed] == [(c.revision, c.entry.value) for c in changes]
        assert late.revision == other.revision == one.revision == gone[-1].revision
        await late.close()

    play(member.address("/deletes"), story)


def test_others_may_write_to_the_same_etcd(member: Cluster) -> None:
    async def story(one: EtcdStore, other: EtcdStore) -> None:
        foreign = await EtcdStore.open(member.address("/foreign-2"))
        (entry,) = await one.commit([put("x")])
        for number in range(3):
            await foreign.commit([put(f"x{number}")])
            found = await other.get("g/things", "a", "x")
            assert found is not None and found.revision == entry.revision
        assert len((await other.list("g/things")).entries) == 1
        await foreign.close()

    play(member.address("/foreign"), story)


def test_one_replica_compacts_in_each_round(tmp_path: Path) -> None:
    with Cluster(tmp_path) as cluster:

        async def story(one: EtcdStore, other: EtcdStore) -> None:
            did = []
            for _ in range(4):
                await one.commit([put(f"x{len(did)}")])
                did.append((await one._compactor.round(), await other._compactor.round()))
            assert all(sum(round_) <= 1 for round_ in did) and sum(map(sum, did)) >= 2
            late = await EtcdStore.open(cluster.address("/rounds"))
            assert len((await late.list("g/things")).entries) == 4
            with pytest.raises(CompactedError):
                await late.watch("g/things", 0)
            await late.close()

        play(cluster.address("/rounds"), story)


def test_a_replica_that_missed_what_is_compacted_begins_again(tmp_path: Path) -> None:
    with Cluster(tmp_path) as cluster:

        async def story(one: EtcdStore, other: EtcdStore) -> None:
            (x, y) = await one.commit([put("x"), put("y")])
            watch = await other.watch("", y.revision)
            await other._follower.stop()
            (x,) = await one.commit([put("x", x.revision, "2")])
            (gone,) = await one.commit([Remove("g/things", "a", "y", y.revision)])
            await one.compact(gone.revision)
            other._follower._task = asyncio.get_running_loop().create_task(other._follower._run())
            assert [(e.name, e.revision) for e in (await other.list("g/things")).entries] == [("x", x.revision)]
            with pytest.raises(CompactedError):
                await watch.next()
            (z,) = await other.commit([put("z")])
            assert (await one.get("g/things", "a", "z")) is not None and other.revision == z.revision

        play(cluster.address("/missed"), story)


def test_values_are_encrypted_in_etcd(member: Cluster) -> None:
    address, kek = member.address("/sealed"), os.urandom(32)
    encryption = Encryption(kek, ("/secrets",))

    async def main() -> None:
        one, other = await asyncio.gather(*(EtcdStore.open(address, encryption=encryption) for _ in range(2)))
        canary = put("s", value="canary-7391", prefix="/secrets")
        (entry,) = await one.commit([canary])
        found = await other.get("/secrets", "a", "s")
        assert found is not None and found.value == canary.value
        last = canary.value.replace(b"7391", b"7391-last")
        watch = await other.watch("/secrets", entry.revision)
        await one.commit([Remove("/secrets", "a", "s", entry.revision, last)])
        assert (await watch.next())[0].entry.value == last
        await one.commit([canary, put("t")])
        everything = Layout(address.root).everything
        request = messages.message("RangeRequest")(key=everything, range_end=end_of(everything))
        members = Members(address)
        kept = await members.read(messages.RANGE, request, "RangeResponse")
        members.close()
        assert len(kept.kvs) >= 4 and b"canary" not in kept.SerializeToString()
        with pytest.raises(StoreError, match="the key given is"):
            await EtcdStore.open(address, encryption=replace(encryption, kek=os.urandom(32)))
        with pytest.raises(StoreError, match="no key was given"):
            store = await EtcdStore.open(address)
            try:
                await store.get("/secrets", "a", "s")
            finally:
                await store.close()
        await one.close()
        await other.close()

    asyncio.run(main())


def test_etcd_that_is_not_there_is_named() -> None:
    async def main() -> None:
        with pytest.raises(StoreUnavailableError, match=r"etcd member 127\.0\.0\.1:1 does not answer"):
            await EtcdStore.open(EtcdAddress.parse("etcd://127.0.0.1:1"))

    asyncio.run(main())


def issued(directory: Path, authority: Authority, name: str) -> tuple[str, str]:
    """A certificate for servers and clients on loopback, and its key."""
    now, key = datetime.now(UTC), ec.generate_private_key(ec.SECP256R1())
    subject = Subject(common_name=name, ip_addresses=("127.0.0.1",))
    usages = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
    lifetime = Validity(now - timedelta(hours=1), now + timedelta(hours=1))
    pem = issue(authority, key.public_key(), subject, lifetime, int.from_bytes(os.urandom(8)) >> 1, usages)
    (directory / f"{name}.crt").write_bytes(pem)
    (directory / f"{name}.key").write_bytes(key_to_pkcs8_pem(key))
    return str(directory / f"{name}.crt"), str(directory / f"{name}.key")


def authority_of(directory: Path, name: str) -> tuple[Authority, str]:
    now = datetime.now(UTC)
    lifetime = Validity(now - timedelta(hours=1), now + timedelta(hours=1))
    made = self_signed_ca(ec.generate_private_key(ec.SECP256R1()), Subject(common_name=name), lifetime, 1)
    (directory / f"{name}.ca").write_bytes(made.certificate_pem)
    return made, str(directory / f"{name}.ca")


def test_members_and_servers_show_each_other_certificates(tmp_path: Path) -> None:
    authority, ca = authority_of(tmp_path, "ours")
    stranger, _ = authority_of(tmp_path, "theirs")
    server, client, other = (issued(tmp_path, a, n) for a, n in ((authority, "s"), (authority, "c"), (stranger, "o")))
    options = ["--client-cert-auth", "--trusted-ca-file", ca, "--cert-file", server[0], "--key-file", server[1]]
    with Cluster(tmp_path, extra=options, scheme="https") as cluster:
        url = f"etcd://127.0.0.1:{cluster.ports[0]}/tls?ca={ca}"
        address = EtcdAddress.parse(f"{url}&cert={client[0]}&key={client[1]}")

        async def opened() -> EtcdStore:
            for _ in range(100):
                try:
                    return await EtcdStore.open(address)
                except StoreUnavailableError:
                    await asyncio.sleep(0.1)
            return await EtcdStore.open(address)

        async def main() -> None:
            store = await opened()
            (entry,) = await store.commit([put("x")])
            assert (await store.get("g/things", "a", "x")) is entry
            await store.close()
            with pytest.raises(StoreUnavailableError):
                await EtcdStore.open(EtcdAddress.parse(f"{url}&cert={other[0]}&key={other[1]}"))

        asyncio.run(main())
