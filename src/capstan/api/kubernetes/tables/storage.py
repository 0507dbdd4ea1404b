"""The messages of storage: one line each; the notation is told in the package."""

TABLE = """\
enum VolumeBindingMode Immediate|WaitForFirstConsumer
CSIDriver 1=metadata:meta.ObjectMeta 2=spec:CSIDriverSpec!+
CSIDriverSpec 1=attachRequired:bool* 2=podInfoOnMount:bool* 3=volumeLifecycleModes:[string]@set
  4=storageCapacity:bool* 5=fsGroupPolicy:string* 6=tokenRequests:[TokenRequest]@atomic 7=requiresRepublish:bool*
  8=seLinuxMount:bool* 9=nodeAllocatableUpdatePeriodSeconds:int64* 10=serviceAccountTokenInSecrets:bool*
  11=preventPodSchedulingIfMissing:bool*
CSINode 1=metadata:meta.ObjectMeta 2=spec:CSINodeSpec!+ 3=status:CSINodeStatus
CSINodeDriver 1=name:string!+ 2=nodeID:string!+ 3=topologyKeys:[string]!@atomic 4=allocatable:VolumeNodeResources*
CSINodeSpec 1=drivers:[CSINodeDriver]!+@name~m:name
CSINodeStatus 1=storageHealth:[StorageHealth]@name~m:name
CSIStorageCapacity 1=metadata:meta.ObjectMeta 2=nodeTopology:meta.LabelSelector* 3=storageClassName:string!+
  4=capacity:quantity* 5=maximumVolumeSize:quantity*
StorageClass 1=metadata:meta.ObjectMeta 2=provisioner:string!+ 3=parameters:{string}
  4=reclaimPolicy:core.PersistentVolumeReclaimPolicy* 5=mountOptions:[string]@atomic 6=allowVolumeExpansion:bool*
  7=volumeBindingMode:VolumeBindingMode* 8=allowedTopologies:[core.TopologySelectorTerm]@atomic
StorageHealth 1=name:string!+ 2=healthConditions:[StorageHealthCondition]@atomic
StorageHealthCondition 1=status:string!+ 2=reason:string!+ 3=message:string 4=accessMode:string* 5=volumeMode:string*
  6=lastTransitionTime:time
TokenRequest 1=audience:string!+ 2=expirationSeconds:int64*
VolumeAttachment 1=metadata:meta.ObjectMeta 2=spec:VolumeAttachmentSpec!+ 3=status:VolumeAttachmentStatus
VolumeAttachmentSource 1=persistentVolumeName:string* 2=inlineVolumeSpec:core.PersistentVolumeSpec*
VolumeAttachmentSpec 1=attacher:string!+ 2=source:VolumeAttachmentSource!+ 3=nodeName:string!+
VolumeAttachmentStatus 1=attached:bool!+ 2=attachmentMetadata:{string} 3=attachError:VolumeError*
  4=detachError:VolumeError*
VolumeAttributesClass 1=metadata:meta.ObjectMeta 2=driverName:string!+ 3=parameters:{string}
VolumeError 1=time:time 2=message:string 3=errorCode:int32*
VolumeNodeResources 1=count:int32*
"""
