"""The messages of resource: one line each; the notation is told in the package."""

TABLE = """\
enum AllocationConfigSource FromClass|FromClaim
enum DeviceAllocationMode ExactCount|All
enum DeviceTaintEffect None|NoSchedule|NoExecute
enum DeviceTolerationOperator Exists|Equal
enum SkipNodeOperation NodePrepareResources|NodeUnprepareResources|*
AllocatedDeviceStatus 1=driver:string!+ 2=pool:string!+ 3=device:string!+ 4=conditions:[meta.Condition]!@type
  5=data:json* 6=networkData:NetworkDeviceData* 7=shareID:string*
AllocationResult 1=devices:DeviceAllocationResult 3=nodeSelector:core.NodeSelector* 5=allocationTimestamp:time*
CELDeviceSelector 1=expression:string!+
CapacityRequestPolicy 1=default:quantity* 3=validValues:[quantity]@atomic 4=validRange:CapacityRequestPolicyRange*
CapacityRequestPolicyRange 1=min:quantity*+ 2=max:quantity* 3=step:quantity*
CapacityRequirements 1=requests:{quantity}
Counter 1=value:quantity!+
CounterSet 1=name:string!+ 2=counters:{Counter}+
Device 1=name:string!+ 2=attributes:{DeviceAttribute} 3=capacity:{DeviceCapacity}
  4=consumesCounters:[DeviceCounterConsumption]@atomic 5=nodeName:string* 6=nodeSelector:core.NodeSelector*
  7=allNodes:bool* 8=taints:[DeviceTaint]@atomic 9=bindsToNode:bool* 10=bindingConditions:[string]@atomic
  11=bindingFailureConditions:[string]@atomic 12=allowMultipleAllocations:bool*
  14=nodeAllocatableResources:{NodeAllocatableResource}
DeviceAllocationConfiguration 1=source:AllocationConfigSource!+ 2=requests:[string]@atomic
  3=deviceConfiguration:DeviceConfiguration^
DeviceAllocationResult 1=results:[DeviceRequestAllocationResult]@atomic
  2=config:[DeviceAllocationConfiguration]@atomic
DeviceAttribute 2=int:int64* 3=bool:bool* 4=string:string* 5=version:string* 6=ints:[int64]@atomic
  7=bools:[bool]@atomic 8=strings:[string]@atomic 9=versions:[string]@atomic
DeviceCapacity 1=value:quantity!+ 2=requestPolicy:CapacityRequestPolicy*
DeviceClaim 1=requests:[DeviceRequest]!@atomic 2=constraints:[DeviceConstraint]@atomic
  3=config:[DeviceClaimConfiguration]@atomic
DeviceClaimConfiguration 1=requests:[string]@atomic 2=deviceConfiguration:DeviceConfiguration^
DeviceClass 1=metadata:meta.ObjectMeta 2=spec:DeviceClassSpec!
DeviceClassConfiguration 1=deviceConfiguration:DeviceConfiguration^
DeviceClassSpec 1=selectors:[DeviceSelector]@atomic 2=config:[DeviceClassConfiguration]@atomic
  4=extendedResourceName:string*
DeviceConfiguration 1=opaque:OpaqueDeviceConfiguration*
DeviceConstraint 1=requests:[string]@atomic 2=matchAttribute:string* 3=distinctAttribute:string*
DeviceCounterConsumption 1=counterSet:string!+ 2=counters:{Counter}+
DeviceRequest 1=name:string!+ 2=exactly:ExactDeviceRequest* 3=firstAvailable:[DeviceSubRequest]@atomic
DeviceRequestAllocationResult 1=request:string!+ 2=driver:string!+ 3=pool:string!+ 4=device:string!+
  5=adminAccess:bool* 6=tolerations:[DeviceToleration]@atomic 7=bindingConditions:[string]@atomic
  8=bindingFailureConditions:[string]@atomic 9=shareID:string* 10=consumedCapacity:{quantity}
  11=skipNodeOperations:[SkipNodeOperation]@set
DeviceSelector 1=cel:CELDeviceSelector*
DeviceSubRequest 1=name:string!+ 2=deviceClassName:string!+ 3=selectors:[DeviceSelector]@atomic
  4=allocationMode:DeviceAllocationMode 5=count:int64 6=tolerations:[DeviceToleration]@atomic
  7=capacity:CapacityRequirements*
DeviceTaint 1=key:string!+ 2=value:string 3=effect:DeviceTaintEffect!+ 4=timeAdded:time*
DeviceTaintRule 1=metadata:meta.ObjectMeta 2=spec:DeviceTaintRuleSpec!+ 3=status:DeviceTaintRuleStatus
DeviceTaintRuleSpec 1=deviceSelector:DeviceTaintSelector* 2=taint:DeviceTaint+
DeviceTaintRuleStatus 1=conditions:[meta.Condition]@type~m:type
DeviceTaintSelector 2=driver:string* 3=pool:string* 4=device:string*
DeviceToleration 1=key:string 2=operator:DeviceTolerationOperator?"Equal" 3=value:string 4=effect:DeviceTaintEffect
  5=tolerationSeconds:int64*
ExactDeviceRequest 1=deviceClassName:string!+ 2=selectors:[DeviceSelector]@atomic
  3=allocationMode:DeviceAllocationMode 4=count:int64 5=adminAccess:bool* 6=tolerations:[DeviceToleration]@atomic
  7=capacity:CapacityRequirements*
NetworkDeviceData 1=interfaceName:string 2=ips:[string]@atomic 3=hardwareAddress:string
NodeAllocatableMapping 1=capacityKey:string* 2=capacityMultiplier:quantity* 3=deviceMultiplier:quantity*
NodeAllocatableOverhead 1=perPod:quantity* 2=perContainer:quantity*
NodeAllocatableResource 3=mapping:NodeAllocatableMapping* 4=overhead:NodeAllocatableOverhead*
OpaqueDeviceConfiguration 1=driver:string!+ 2=parameters:json!+
ResourceClaim 1=metadata:meta.ObjectMeta 2=spec:ResourceClaimSpec! 3=status:ResourceClaimStatus
ResourceClaimConsumerReference 1=apiGroup:string 3=resource:string!+ 4=name:string!+ 5=uid:string!+
ResourceClaimSpec 1=devices:DeviceClaim!
ResourceClaimStatus 1=allocation:AllocationResult* 2=reservedFor:[ResourceClaimConsumerReference]@uid~m:uid
  4=devices:[AllocatedDeviceStatus]@driver,device,pool,shareID
ResourceClaimTemplate 1=metadata:meta.ObjectMeta 2=spec:ResourceClaimTemplateSpec!
ResourceClaimTemplateSpec 1=metadata:meta.ObjectMeta 2=spec:ResourceClaimSpec!
ResourcePool 1=name:string!+ 2=generation:int64!+ 3=resourceSliceCount:int64!+
ResourceSlice 1=metadata:meta.ObjectMeta 2=spec:ResourceSliceSpec!+
ResourceSliceSpec 1=driver:string!+ 2=pool:ResourcePool!+ 3=nodeName:string* 4=nodeSelector:core.NodeSelector*
  5=allNodes:bool* 6=devices:[Device]@atomic 7=perDeviceNodeSelection:bool* 8=sharedCounters:[CounterSet]@atomic
  9=partitionTypeAttribute:string* 10=skipNodeOperations:[SkipNodeOperation]@set
"""
