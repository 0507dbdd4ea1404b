// Watches and informs through @kubernetes/client-node: prints what it sees, a line for each event.
import { createRequire } from 'node:module';

const require = createRequire(process.env.NODE_MODULES + '/');
const k8s = await import(require.resolve('@kubernetes/client-node'));
const namespace = process.argv[2];
const kc = new k8s.KubeConfig();
kc.loadFromFile(process.env.KUBECONFIG);
const custom = kc.makeApiClient(k8s.CustomObjectsApi);
const core = kc.makeApiClient(k8s.CoreV1Api);
const where = { group: 'clients.example.io', version: 'v1', plural: 'widgets', namespace };
const path = `/apis/clients.example.io/v1/namespaces/${namespace}/widgets`;

const informer = k8s.makeInformer(kc, path, () => custom.listNamespacedCustomObject(where));
for (const verb of ['add', 'update', 'delete']) {
  informer.on(verb, (one) => console.log(`informer ${verb} ${one.metadata.name} ${one.spec.size}`));
}
informer.on('error', (error) => console.log(`informer error ${error}`));
await informer.start();

const watch = new k8s.Watch(kc);
const ended = new Promise((resolve) => {
  watch.watch(`/api/v1/namespaces/${namespace}/configmaps`, { fieldSelector: 'metadata.name=typed' },
    (type, one) => {
      console.log(`watch ${type} ${JSON.stringify(one.data)}`);
      if (type === 'DELETED') resolve();
    },
    (error) => { if (error) console.log(`watch error ${error}`); });
});
await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'typed' }, data: { a: 'b' } } });
await core.deleteNamespacedConfigMap({ namespace, name: 'typed' });
await ended;
console.log('ready');
