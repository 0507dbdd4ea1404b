"""The messages of coordination: one line each; the notation is told in the package."""

TABLE = """\
Lease 1=metadata:meta.ObjectMeta 2=spec:LeaseSpec
LeaseSpec 1=holderIdentity:string* 2=leaseDurationSeconds:int32* 3=acquireTime:microtime* 4=renewTime:microtime*
  5=leaseTransitions:int32* 6=strategy:string* 7=preferredHolder:string*
"""
