"""The messages of discovery: one line each; the notation is told in the package."""

TABLE = """\
enum AddressType IPv4|IPv6|FQDN
Endpoint 1=addresses:[string]!+@set 2=conditions:EndpointConditions 3=hostname:string*
  4=targetRef:core.ObjectReference* 5=deprecatedTopology:{string} 6=nodeName:string* 7=zone:string*
  8=hints:EndpointHints*
EndpointConditions 1=ready:bool* 2=serving:bool* 3=terminating:bool*
EndpointHints 1=forZones:[ForZone]@atomic 2=forNodes:[ForNode]@atomic
EndpointPort@atomic 1=name:string* 2=protocol:core.Protocol* 3=port:int32* 4=appProtocol:string*
EndpointSlice 1=metadata:meta.ObjectMeta 2=endpoints:[Endpoint]!@atomic 3=ports:[EndpointPort]!@atomic
  4=addressType:AddressType!+
ForNode 1=name:string!+
ForZone 1=name:string!+
"""
