"""The messages of the core group: one line each; the notation is told in the package."""

TABLE = """\
enum AppArmorProfileType Unconfined|RuntimeDefault|Localhost
enum AzureDataDiskCachingMode None|ReadOnly|ReadWrite
enum AzureDataDiskKind Shared|Dedicated|Managed
enum DNSPolicy ClusterFirstWithHostNet|ClusterFirst|Default|None
enum GRPCProbeMode Plaintext|TLS
enum HTTPProtocol HTTP1|HTTP2
enum HostPathType DirectoryOrCreate|Directory|FileOrCreate|File|Socket|CharDevice|BlockDevice
enum IPFamily IPv4|IPv6
enum IPFamilyPolicy SingleStack|PreferDualStack|RequireDualStack
enum MountPropagationMode None|HostToContainer|Bidirectional
enum NodeInclusionPolicy Ignore|Honor
enum NodeSelectorOperator In|NotIn|Exists|DoesNotExist|Gt|Lt
enum PersistentVolumeAccessMode ReadWriteOnce|ReadOnlyMany|ReadWriteMany|ReadWriteOncePod
enum PersistentVolumeMode Block|Filesystem
enum PersistentVolumeReclaimPolicy Recycle|Delete|Retain
enum PodFSGroupChangePolicy OnRootMismatch|Always
enum PreemptionPolicy PreemptLowerPriority|Never
enum ProcMountType Default|Unmasked
enum Protocol TCP|UDP|SCTP
enum PullPolicy Always|Never|IfNotPresent
enum ResourceQuotaScope
  Terminating|NotTerminating|BestEffort|NotBestEffort|PriorityClass|CrossNamespacePodAffinity|VolumeAttributesClass
enum RestartPolicy Always|OnFailure|Never
enum ScopeSelectorOperator In|NotIn|Exists|DoesNotExist
enum SeccompProfileType Unconfined|RuntimeDefault|Localhost
enum ServiceAffinity ClientIP|None
enum ServiceExternalTrafficPolicy Cluster|Local
enum ServiceInternalTrafficPolicy Cluster|Local
enum ServiceType ClusterIP|NodePort|LoadBalancer|ExternalName
enum SupplementalGroupsPolicy Merge|Strict
enum TaintEffect NoSchedule|PreferNoSchedule|NoExecute
enum TerminationMessagePolicy File|FallbackToLogsOnError
enum TolerationOperator Exists|Equal|Lt|Gt
enum URIScheme HTTP|HTTPS
enum UnsatisfiableConstraintAction DoNotSchedule|ScheduleAnyway
AWSElasticBlockStoreVolumeSource 1=volumeID:string!+ 2=fsType:string 3=partition:int32 4=readOnly:bool
Affinity 1=nodeAffinity:NodeAffinity* 2=podAffinity:PodAffinity* 3=podAntiAffinity:PodAntiAffinity*
AppArmorProfile 1=type:AppArmorProfileType!+ 2=localhostProfile:string*
AttachedVolume 1=name:string!+ 2=devicePath:string!+
AzureDiskVolumeSource 1=diskName:string!+ 2=diskURI:string!+ 3=cachingMode:AzureDataDiskCachingMode*
  4=fsType:string*?"ext4" 5=readOnly:bool*?false 6=kind:AzureDataDiskKind*
AzureFilePersistentVolumeSource 1=secretName:string!+ 2=shareName:string!+ 3=readOnly:bool 4=secretNamespace:string*
AzureFileVolumeSource 1=secretName:string!+ 2=shareName:string!+ 3=readOnly:bool
CSIPersistentVolumeSource 1=driver:string!+ 2=volumeHandle:string!+ 3=readOnly:bool 4=fsType:string
  5=volumeAttributes:{string} 6=controllerPublishSecretRef:SecretReference* 7=nodeStageSecretRef:SecretReference*
  8=nodePublishSecretRef:SecretReference* 9=controllerExpandSecretRef:SecretReference*
  10=nodeExpandSecretRef:SecretReference*
CSIVolumeSource 1=driver:string!+ 2=readOnly:bool* 3=fsType:string* 4=volumeAttributes:{string}
  5=nodePublishSecretRef:LocalObjectReference*
Capabilities 1=add:[string]@atomic 2=drop:[string]@atomic
CephFSPersistentVolumeSource 1=monitors:[string]!+@atomic 2=path:string 3=user:string 4=secretFile:string
  5=secretRef:SecretReference* 6=readOnly:bool
CephFSVolumeSource 1=monitors:[string]!+@atomic 2=path:string 3=user:string 4=secretFile:string
  5=secretRef:LocalObjectReference* 6=readOnly:bool
CinderPersistentVolumeSource 1=volumeID:string!+ 2=fsType:string 3=readOnly:bool 4=secretRef:SecretReference*
CinderVolumeSource 1=volumeID:string!+ 2=fsType:string 3=readOnly:bool 4=secretRef:LocalObjectReference*
ClientIPConfig 1=timeoutSeconds:int32*
ClusterTrustBundleProjection 1=name:string* 2=signerName:string* 3=labelSelector:meta.LabelSelector* 4=path:string!+
  5=optional:bool* 6=user:int64*
ConfigMap 1=metadata:meta.ObjectMeta 2=data:{string} 3=binaryData:{bytes} 4=immutable:bool*
ConfigMapEnvSource 1=localObjectReference:LocalObjectReference^ 2=optional:bool*
ConfigMapKeySelector@atomic 1=localObjectReference:LocalObjectReference^ 2=key:string!+ 3=optional:bool*
ConfigMapNodeConfigSource 1=namespace:string!+ 2=name:string!+ 3=uid:string 4=resourceVersion:string
  5=kubeletConfigKey:string!+
ConfigMapProjection 1=localObjectReference:LocalObjectReference^ 2=items:[KeyToPath]@atomic 4=optional:bool*
ConfigMapVolumeSource 1=localObjectReference:LocalObjectReference^ 2=items:[KeyToPath]@atomic 3=defaultMode:int32*
  4=optional:bool* 5=defaultUser:int64*
Container 1=name:string!+ 2=image:string 3=command:[string]@atomic 4=args:[string]@atomic 5=workingDir:string
  6=ports:[ContainerPort]@containerPort,protocol~m:containerPort 7=env:[EnvVar]@name~m:name
  8=resources:ResourceRequirements 9=volumeMounts:[VolumeMount]@mountPath~m:mountPath 10=livenessProbe:Probe*
  11=readinessProbe:Probe* 12=lifecycle:Lifecycle* 13=terminationMessagePath:string 14=imagePullPolicy:PullPolicy
  15=securityContext:SecurityContext* 16=stdin:bool 17=stdinOnce:bool 18=tty:bool 19=envFrom:[EnvFromSource]@atomic
  20=terminationMessagePolicy:TerminationMessagePolicy 21=volumeDevices:[VolumeDevice]@devicePath~m:devicePath
  22=startupProbe:Probe* 23=resizePolicy:[ContainerResizePolicy]@atomic 24=restartPolicy:string*
  25=restartPolicyRules:[ContainerRestartRule]@atomic
ContainerExtendedResourceRequest 1=containerName:string!+ 2=resourceName:string!+ 3=requestName:string!+
ContainerImage 1=names:[string]!@atomic 2=sizeBytes:int64
ContainerPort 1=name:string 2=hostPort:int32 3=containerPort:int32!+ 4=protocol:Protocol?"TCP" 5=hostIP:string
ContainerResizePolicy 1=resourceName:string!+ 2=restartPolicy:string!+
ContainerRestartRule 1=action:string+ 2=exitCodes:ContainerRestartRuleOnExitCodes*
ContainerRestartRuleOnExitCodes 1=operator:string+ 2=values:[int32]@set
ContainerState 1=waiting:ContainerStateWaiting* 2=running:ContainerStateRunning*
  3=terminated:ContainerStateTerminated*
ContainerStateRunning 1=startedAt:time
ContainerStateTerminated 1=exitCode:int32!+ 2=signal:int32 3=reason:string 4=message:string 5=startedAt:time
  6=finishedAt:time 7=containerID:string
ContainerStateWaiting 1=reason:string 2=message:string
ContainerStatus 1=name:string!+ 2=state:ContainerState 3=lastState:ContainerState 4=ready:bool!+
  5=restartCount:int32!+ 6=image:string!+ 7=imageID:string!+ 8=containerID:string 9=started:bool*
  10=allocatedResources:{quantity} 11=resources:ResourceRequirements*
  12=volumeMounts:[VolumeMountStatus]@mountPath~m:mountPath 13=user:ContainerUser*
  14=allocatedResourcesStatus:[ResourceStatus]@name~m:name 15=stopSignal:string*
ContainerUser 1=linux:LinuxContainerUser*
DaemonEndpoint 1=Port:int32!+
DownwardAPIProjection 1=items:[DownwardAPIVolumeFile]@atomic
DownwardAPIVolumeFile 1=path:string!+ 2=fieldRef:ObjectFieldSelector* 3=resourceFieldRef:ResourceFieldSelector*
  4=mode:int32* 5=user:int64*
DownwardAPIVolumeSource 1=items:[DownwardAPIVolumeFile]@atomic 2=defaultMode:int32* 3=defaultUser:int64*
EmptyDirVolumeSource 1=medium:string 2=sizeLimit:quantity* 3=mode:int32*
EndpointAddress@atomic 1=ip:string!+ 2=targetRef:ObjectReference* 3=hostname:string 4=nodeName:string*
EndpointPort@atomic 1=name:string 2=port:int32!+ 3=protocol:Protocol 4=appProtocol:string*
EndpointSubset 1=addresses:[EndpointAddress]@atomic 2=notReadyAddresses:[EndpointAddress]@atomic
  3=ports:[EndpointPort]@atomic
Endpoints 1=metadata:meta.ObjectMeta 2=subsets:[EndpointSubset]@atomic
EnvFromSource 1=prefix:string 2=configMapRef:ConfigMapEnvSource* 3=secretRef:SecretEnvSource*
EnvVar 1=name:string!+ 2=value:string 3=valueFrom:EnvVarSource*
EnvVarSource 1=fieldRef:ObjectFieldSelector* 2=resourceFieldRef:ResourceFieldSelector*
  3=configMapKeyRef:ConfigMapKeySelector* 4=secretKeyRef:SecretKeySelector* 5=fileKeyRef:FileKeySelector*
EphemeralContainer 1=ephemeralContainerCommon:EphemeralContainerCommon^ 2=targetContainerName:string
EphemeralContainerCommon 1=name:string!+ 2=image:string 3=command:[string]@atomic 4=args:[string]@atomic
  5=workingDir:string 6=ports:[ContainerPort]@containerPort,protocol~m:containerPort 7=env:[EnvVar]@name~m:name
  8=resources:ResourceRequirements 9=volumeMounts:[VolumeMount]@mountPath~m:mountPath 10=livenessProbe:Probe*
  11=readinessProbe:Probe* 12=lifecycle:Lifecycle* 13=terminationMessagePath:string 14=imagePullPolicy:PullPolicy
  15=securityContext:SecurityContext* 16=stdin:bool 17=stdinOnce:bool 18=tty:bool 19=envFrom:[EnvFromSource]@atomic
  20=terminationMessagePolicy:TerminationMessagePolicy 21=volumeDevices:[VolumeDevice]@devicePath~m:devicePath
  22=startupProbe:Probe* 23=resizePolicy:[ContainerResizePolicy]@atomic 24=restartPolicy:string*
  25=restartPolicyRules:[ContainerRestartRule]@atomic
EphemeralVolumeSource 1=volumeClaimTemplate:PersistentVolumeClaimTemplate*
Event 1=metadata:meta.ObjectMeta!+ 2=involvedObject:ObjectReference!+ 3=reason:string 4=message:string
  5=source:EventSource 6=firstTimestamp:time 7=lastTimestamp:time 8=count:int32 9=type:string 10=eventTime:microtime
  11=series:EventSeries* 12=action:string 13=related:ObjectReference* 14=reportingComponent:string!
  15=reportingInstance:string!
EventSeries 1=count:int32 2=lastObservedTime:microtime
EventSource 1=component:string 2=host:string
EvictionResponder@atomic 1=name:string!+ 2=priority:int32*+
ExecAction 1=command:[string]@atomic
FCVolumeSource 1=targetWWNs:[string]@atomic 2=lun:int32* 3=fsType:string 4=readOnly:bool 5=wwids:[string]@atomic
FileKeySelector@atomic 1=volumeName:string!+ 2=path:string!+ 3=key:string!+ 4=optional:bool*?false
FlexPersistentVolumeSource 1=driver:string!+ 2=fsType:string 3=secretRef:SecretReference* 4=readOnly:bool
  5=options:{string}
FlexVolumeSource 1=driver:string!+ 2=fsType:string 3=secretRef:LocalObjectReference* 4=readOnly:bool
  5=options:{string}
FlockerVolumeSource 1=datasetName:string 2=datasetUUID:string
GCEPersistentDiskVolumeSource 1=pdName:string!+ 2=fsType:string 3=partition:int32 4=readOnly:bool
GRPCAction 1=port:int32!+ 2=service:string*?"" 3=mode:GRPCProbeMode*
GitRepoVolumeSource 1=repository:string!+ 2=revision:string 3=directory:string
GlusterfsPersistentVolumeSource 1=endpoints:string!+ 2=path:string!+ 3=readOnly:bool 4=endpointsNamespace:string*
GlusterfsVolumeSource 1=endpoints:string!+ 2=path:string!+ 3=readOnly:bool
HTTPGetAction 1=path:string 2=port:intstr!+ 3=host:string 4=scheme:URIScheme 5=httpHeaders:[HTTPHeader]@atomic
  6=protocol:HTTPProtocol*
HTTPHeader 1=name:string!+ 2=value:string!+
HostAlias 1=ip:string!+ 2=hostnames:[string]@atomic
HostIP 1=ip:string!+
HostPathVolumeSource 1=path:string!+ 2=type:HostPathType*
ISCSIPersistentVolumeSource 1=targetPortal:string!+ 2=iqn:string!+ 3=lun:int32!+ 4=iscsiInterface:string?"default"
  5=fsType:string 6=readOnly:bool 7=portals:[string]@atomic 8=chapAuthDiscovery:bool 10=secretRef:SecretReference*
  11=chapAuthSession:bool 12=initiatorName:string*
ISCSIVolumeSource 1=targetPortal:string!+ 2=iqn:string!+ 3=lun:int32!+ 4=iscsiInterface:string?"default"
  5=fsType:string 6=readOnly:bool 7=portals:[string]@atomic 8=chapAuthDiscovery:bool
  10=secretRef:LocalObjectReference* 11=chapAuthSession:bool 12=initiatorName:string*
ImageVolumeSource 1=reference:string 2=pullPolicy:PullPolicy
ImageVolumeStatus 1=imageRef:string+
KeyToPath 1=key:string!+ 2=path:string!+ 3=mode:int32* 4=user:int64*
Lifecycle 1=postStart:LifecycleHandler* 2=preStop:LifecycleHandler* 3=stopSignal:string*
LifecycleHandler 1=exec:ExecAction* 2=httpGet:HTTPGetAction* 3=tcpSocket:TCPSocketAction* 4=sleep:SleepAction*
LimitRange 1=metadata:meta.ObjectMeta 2=spec:LimitRangeSpec
LimitRangeItem 1=type:string!+ 2=max:{quantity} 3=min:{quantity} 4=default:{quantity} 5=defaultRequest:{quantity}
  6=maxLimitRequestRatio:{quantity}
LimitRangeSpec 1=limits:[LimitRangeItem]!+@atomic
LinuxContainerUser 1=uid:int64!+ 2=gid:int64!+ 3=supplementalGroups:[int64]@atomic
LoadBalancerIngress 1=ip:string 2=hostname:string 3=ipMode:string* 4=ports:[PortStatus]@atomic
LoadBalancerStatus 1=ingress:[LoadBalancerIngress]@atomic
LocalObjectReference@atomic 1=name:string?""
LocalVolumeSource 1=path:string!+ 2=fsType:string*
ModifyVolumeStatus 1=targetVolumeAttributesClassName:string 2=status:string!+
NFSVolumeSource 1=server:string!+ 2=path:string!+ 3=readOnly:bool
Namespace 1=metadata:meta.ObjectMeta 2=spec:NamespaceSpec 3=status:NamespaceStatus
NamespaceCondition 1=type:string!+ 2=status:string!+ 4=lastTransitionTime:time 5=reason:string 6=message:string
NamespaceSpec 1=finalizers:[string]@atomic
NamespaceStatus 1=phase:string 2=conditions:[NamespaceCondition]@type~m:type
Node 1=metadata:meta.ObjectMeta 2=spec:NodeSpec 3=status:NodeStatus
NodeAddress 1=type:string!+ 2=address:string!+
NodeAffinity 1=requiredDuringSchedulingIgnoredDuringExecution:NodeSelector*
  2=preferredDuringSchedulingIgnoredDuringExecution:[PreferredSchedulingTerm]@atomic
NodeAllocatableMappedResources 1=name:string!+ 2=quantity:quantity*+
NodeAllocatableOverheadResources 1=name:string!+ 2=perPod:quantity* 3=perContainer:quantity*
NodeAllocatableResourceClaimStatus 1=resourceClaimName:string!+ 2=containers:[string]@set
  4=mapping:[NodeAllocatableMappedResources]@name~m:name 5=overhead:[NodeAllocatableOverheadResources]@name~m:name
NodeCondition 1=type:string!+ 2=status:string!+ 3=lastHeartbeatTime:time 4=lastTransitionTime:time 5=reason:string
  6=message:string
NodeConfigSource 2=configMap:ConfigMapNodeConfigSource*
NodeConfigStatus 1=assigned:NodeConfigSource* 2=active:NodeConfigSource* 3=lastKnownGood:NodeConfigSource*
  4=error:string
NodeDaemonEndpoints 1=kubeletEndpoint:DaemonEndpoint
NodeFeatures 1=supplementalGroupsPolicy:bool*
NodePodPreemptionPolicy 1=disableResizePreemption:[string]@set
NodeRuntimeHandler 1=name:string! 2=features:NodeRuntimeHandlerFeatures*
NodeRuntimeHandlerFeatures 1=recursiveReadOnlyMounts:bool* 2=userNamespaces:bool*
NodeSelector@atomic 1=nodeSelectorTerms:[NodeSelectorTerm]!+@atomic
NodeSelectorRequirement 1=key:string!+ 2=operator:NodeSelectorOperator!+ 3=values:[string]@atomic
NodeSelectorTerm@atomic 1=matchExpressions:[NodeSelectorRequirement]@atomic
  2=matchFields:[NodeSelectorRequirement]@atomic
NodeSpec 1=podCIDR:string 2=externalID:string 3=providerID:string 4=unschedulable:bool 5=taints:[Taint]@atomic
  6=configSource:NodeConfigSource* 7=podCIDRs:[string]@set~m 8=podPreemptionPolicy:NodePodPreemptionPolicy*
NodeStatus 1=capacity:{quantity} 2=allocatable:{quantity} 3=phase:string 4=conditions:[NodeCondition]@type~m:type
  5=addresses:[NodeAddress]@type~m:type 6=daemonEndpoints:NodeDaemonEndpoints 7=nodeInfo:NodeSystemInfo
  8=images:[ContainerImage]@atomic 9=volumesInUse:[string]@atomic 10=volumesAttached:[AttachedVolume]@atomic
  11=config:NodeConfigStatus* 12=runtimeHandlers:[NodeRuntimeHandler]@atomic 13=features:NodeFeatures*
  14=declaredFeatures:[string]@atomic
NodeSwapStatus 1=capacity:int64*
NodeSystemInfo 1=machineID:string!+ 2=systemUUID:string!+ 3=bootID:string!+ 4=kernelVersion:string!+
  5=osImage:string!+ 6=containerRuntimeVersion:string!+ 7=kubeletVersion:string!+ 8=kubeProxyVersion:string!+
  9=operatingSystem:string!+ 10=architecture:string!+ 11=swap:NodeSwapStatus*
ObjectFieldSelector@atomic 1=apiVersion:string 2=fieldPath:string!+
ObjectReference@atomic 1=kind:string 2=namespace:string 3=name:string 4=uid:string 5=apiVersion:string
  6=resourceVersion:string 7=fieldPath:string
PersistentVolume 1=metadata:meta.ObjectMeta 2=spec:PersistentVolumeSpec 3=status:PersistentVolumeStatus
PersistentVolumeClaim 1=metadata:meta.ObjectMeta 2=spec:PersistentVolumeClaimSpec 3=status:PersistentVolumeClaimStatus
PersistentVolumeClaimCondition 1=type:string!+ 2=status:string!+ 3=lastProbeTime:time 4=lastTransitionTime:time
  5=reason:string 6=message:string
PersistentVolumeClaimSpec 1=accessModes:[PersistentVolumeAccessMode]@atomic 2=resources:VolumeResourceRequirements
  3=volumeName:string 4=selector:meta.LabelSelector* 5=storageClassName:string* 6=volumeMode:PersistentVolumeMode*
  7=dataSource:TypedLocalObjectReference* 8=dataSourceRef:TypedObjectReference* 9=volumeAttributesClassName:string*
PersistentVolumeClaimStatus 1=phase:string 2=accessModes:[string]@atomic 3=capacity:{quantity}
  4=conditions:[PersistentVolumeClaimCondition]@type~m:type 5=allocatedResources:{quantity}
  7=allocatedResourceStatuses:{string} 8=currentVolumeAttributesClassName:string*
  9=modifyVolumeStatus:ModifyVolumeStatus* 10=healthStatus:VolumeHealthStatus*
PersistentVolumeClaimTemplate 1=metadata:meta.ObjectMeta 2=spec:PersistentVolumeClaimSpec!+
PersistentVolumeClaimVolumeSource 1=claimName:string!+ 2=readOnly:bool
PersistentVolumeSource 1=gcePersistentDisk:GCEPersistentDiskVolumeSource*
  2=awsElasticBlockStore:AWSElasticBlockStoreVolumeSource* 3=hostPath:HostPathVolumeSource*
  4=glusterfs:GlusterfsPersistentVolumeSource* 5=nfs:NFSVolumeSource* 6=rbd:RBDPersistentVolumeSource*
  7=iscsi:ISCSIPersistentVolumeSource* 8=cinder:CinderPersistentVolumeSource* 9=cephfs:CephFSPersistentVolumeSource*
  10=fc:FCVolumeSource* 11=flocker:FlockerVolumeSource* 12=flexVolume:FlexPersistentVolumeSource*
  13=azureFile:AzureFilePersistentVolumeSource* 14=vsphereVolume:VsphereVirtualDiskVolumeSource*
  15=quobyte:QuobyteVolumeSource* 16=azureDisk:AzureDiskVolumeSource*
  17=photonPersistentDisk:PhotonPersistentDiskVolumeSource* 18=portworxVolume:PortworxVolumeSource*
  19=scaleIO:ScaleIOPersistentVolumeSource* 20=local:LocalVolumeSource* 21=storageos:StorageOSPersistentVolumeSource*
  22=csi:CSIPersistentVolumeSource*
PersistentVolumeSpec 1=capacity:{quantity} 2=persistentVolumeSource:PersistentVolumeSource^
  3=accessModes:[PersistentVolumeAccessMode]@atomic 4=claimRef:ObjectReference*
  5=persistentVolumeReclaimPolicy:PersistentVolumeReclaimPolicy 6=storageClassName:string
  7=mountOptions:[string]@atomic 8=volumeMode:PersistentVolumeMode* 9=nodeAffinity:VolumeNodeAffinity*
  10=volumeAttributesClassName:string*
PersistentVolumeStatus 1=phase:string 2=message:string 3=reason:string 4=lastPhaseTransitionTime:time*
PhotonPersistentDiskVolumeSource 1=pdID:string!+ 2=fsType:string
Pod 1=metadata:meta.ObjectMeta 2=spec:PodSpec 3=status:PodStatus
PodAffinity 1=requiredDuringSchedulingIgnoredDuringExecution:[PodAffinityTerm]@atomic
  2=preferredDuringSchedulingIgnoredDuringExecution:[WeightedPodAffinityTerm]@atomic
PodAffinityTerm 1=labelSelector:meta.LabelSelector* 2=namespaces:[string]@atomic 3=topologyKey:string!+
  4=namespaceSelector:meta.LabelSelector* 5=matchLabelKeys:[string]@atomic 6=mismatchLabelKeys:[string]@atomic
PodAntiAffinity 1=requiredDuringSchedulingIgnoredDuringExecution:[PodAffinityTerm]@atomic
  2=preferredDuringSchedulingIgnoredDuringExecution:[WeightedPodAffinityTerm]@atomic
PodCertificateProjection 1=signerName:string+ 2=keyType:string+ 3=maxExpirationSeconds:int32*
  4=credentialBundlePath:string 5=keyPath:string 6=certificateChainPath:string 7=userAnnotations:{string}
  8=user:int64*
PodCondition 1=type:string!+ 2=status:string!+ 3=lastProbeTime:time 4=lastTransitionTime:time 5=reason:string
  6=message:string 7=observedGeneration:int64
PodDNSConfig 1=nameservers:[string]@atomic 2=searches:[string]@atomic 3=options:[PodDNSConfigOption]@atomic
PodDNSConfigOption 1=name:string 2=value:string*
PodExtendedResourceClaimStatus 1=requestMappings:[ContainerExtendedResourceRequest]!+@atomic
  2=resourceClaimName:string!+
PodIP 1=ip:string!+
PodOS 1=name:string!+
PodReadinessGate 1=conditionType:string!+
PodResourceClaim 1=name:string!+ 3=resourceClaimName:string* 4=resourceClaimTemplateName:string*
PodResourceClaimStatus 1=name:string!+ 2=resourceClaimName:string*
PodSchedulingGate 1=name:string!+
PodSchedulingGroup 1=podGroupName:string*
PodSecurityContext 1=seLinuxOptions:SELinuxOptions* 2=runAsUser:int64* 3=runAsNonRoot:bool*
  4=supplementalGroups:[int64]@atomic 5=fsGroup:int64* 6=runAsGroup:int64* 7=sysctls:[Sysctl]@atomic
  8=windowsOptions:WindowsSecurityContextOptions* 9=fsGroupChangePolicy:PodFSGroupChangePolicy*
  10=seccompProfile:SeccompProfile* 11=appArmorProfile:AppArmorProfile*
  12=supplementalGroupsPolicy:SupplementalGroupsPolicy* 13=seLinuxChangePolicy:string*
PodSpec 1=volumes:[Volume]@name~mr:name 2=containers:[Container]!+@name~m:name 3=restartPolicy:RestartPolicy
  4=terminationGracePeriodSeconds:int64* 5=activeDeadlineSeconds:int64* 6=dnsPolicy:DNSPolicy
  7=nodeSelector:{string}@atomic 8=serviceAccountName:string 9=serviceAccount:string 10=nodeName:string
  11=hostNetwork:bool 12=hostPID:bool 13=hostIPC:bool 14=securityContext:PodSecurityContext*
  15=imagePullSecrets:[LocalObjectReference]@name~m:name 16=hostname:string 17=subdomain:string 18=affinity:Affinity*
  19=schedulerName:string 20=initContainers:[Container]@name~m:name 21=automountServiceAccountToken:bool*
  22=tolerations:[Toleration]@atomic 23=hostAliases:[HostAlias]@ip~m:ip 24=priorityClassName:string 25=priority:int32*
  26=dnsConfig:PodDNSConfig* 27=shareProcessNamespace:bool* 28=readinessGates:[PodReadinessGate]@atomic
  29=runtimeClassName:string* 30=enableServiceLinks:bool* 31=preemptionPolicy:PreemptionPolicy* 32=overhead:{quantity}
  33=topologySpreadConstraints:[TopologySpreadConstraint]@topologyKey,whenUnsatisfiable~m:topologyKey
  34=ephemeralContainers:[EphemeralContainer]@name~m:name 35=setHostnameAsFQDN:bool* 36=os:PodOS* 37=hostUsers:bool*
  38=schedulingGates:[PodSchedulingGate]@name~m:name 39=resourceClaims:[PodResourceClaim]@name~mr:name
  40=resources:ResourceRequirements* 41=hostnameOverride:string* 43=schedulingGroup:PodSchedulingGroup*
  44=evictionResponders:[EvictionResponder]@name~m:name
PodStatus 1=phase:string 2=conditions:[PodCondition]@type~m:type 3=message:string 4=reason:string 5=hostIP:string
  6=podIP:string 7=startTime:time* 8=containerStatuses:[ContainerStatus]@atomic 9=qosClass:string
  10=initContainerStatuses:[ContainerStatus]@atomic 11=nominatedNodeName:string 12=podIPs:[PodIP]@ip~m:ip
  13=ephemeralContainerStatuses:[ContainerStatus]@atomic 14=resize:string
  15=resourceClaimStatuses:[PodResourceClaimStatus]@name~mr:name 16=hostIPs:[HostIP]@atomic~m:ip
  17=observedGeneration:int64 18=extendedResourceClaimStatus:PodExtendedResourceClaimStatus*
  19=allocatedResources:{quantity} 20=resources:ResourceRequirements*
  21=nodeAllocatableResourceClaimStatuses:[NodeAllocatableResourceClaimStatus]@resourceClaimName~m:resourceClaimName
  22=volumeHealth:[PodVolumeHealth]@name
PodTemplate 1=metadata:meta.ObjectMeta 2=template:PodTemplateSpec
PodTemplateSpec 1=metadata:meta.ObjectMeta 2=spec:PodSpec
PodVolumeHealth 1=name:string!+ 2=healthConditions:[VolumeHealthCondition]@status,reason~m:status
  3=lastTransitionTime:time
PortStatus 1=port:int32!+ 2=protocol:string!+ 3=error:string*
PortworxVolumeSource 1=volumeID:string!+ 2=fsType:string 3=readOnly:bool
Preconditions 1=uid:string*
PreferredSchedulingTerm 1=weight:int32!+ 2=preference:NodeSelectorTerm!+
Probe 1=handler:ProbeHandler^ 2=initialDelaySeconds:int32 3=timeoutSeconds:int32 4=periodSeconds:int32
  5=successThreshold:int32 6=failureThreshold:int32 7=terminationGracePeriodSeconds:int64*
ProbeHandler 1=exec:ExecAction* 2=httpGet:HTTPGetAction* 3=tcpSocket:TCPSocketAction* 4=grpc:GRPCAction*
ProjectedVolumeSource 1=sources:[VolumeProjection]!@atomic 2=defaultMode:int32* 3=defaultUser:int64*
QuobyteVolumeSource 1=registry:string!+ 2=volume:string!+ 3=readOnly:bool 4=user:string 5=group:string 6=tenant:string
RBDPersistentVolumeSource 1=monitors:[string]!+@atomic 2=image:string!+ 3=fsType:string 4=pool:string?"rbd"
  5=user:string?"admin" 6=keyring:string?"/etc/ceph/keyring" 7=secretRef:SecretReference* 8=readOnly:bool
RBDVolumeSource 1=monitors:[string]!+@atomic 2=image:string!+ 3=fsType:string 4=pool:string?"rbd"
  5=user:string?"admin" 6=keyring:string?"/etc/ceph/keyring" 7=secretRef:LocalObjectReference* 8=readOnly:bool
ReplicationController 1=metadata:meta.ObjectMeta 2=spec:ReplicationControllerSpec 3=status:ReplicationControllerStatus
ReplicationControllerCondition 1=type:string!+ 2=status:string!+ 3=lastTransitionTime:time 4=reason:string
  5=message:string
ReplicationControllerSpec 1=replicas:int32*?1 2=selector:{string}@atomic 3=template:PodTemplateSpec*
  4=minReadySeconds:int32?0
ReplicationControllerStatus 1=replicas:int32!+ 2=fullyLabeledReplicas:int32 3=observedGeneration:int64
  4=readyReplicas:int32 5=availableReplicas:int32 6=conditions:[ReplicationControllerCondition]@type~m:type
ResourceClaim 1=name:string!+ 2=request:string
ResourceFieldSelector@atomic 1=containerName:string 2=resource:string!+ 3=divisor:quantity
ResourceHealth 1=resourceID:string!+ 2=health:string 6=message:string*
ResourceQuota 1=metadata:meta.ObjectMeta 2=spec:ResourceQuotaSpec 3=status:ResourceQuotaStatus
ResourceQuotaSpec 1=hard:{quantity} 2=scopes:[ResourceQuotaScope]@atomic 3=scopeSelector:ScopeSelector*
ResourceQuotaStatus 1=hard:{quantity} 2=used:{quantity}
ResourceRequirements 1=limits:{quantity} 2=requests:{quantity} 3=claims:[ResourceClaim]@name
ResourceStatus 1=name:string!+ 2=resources:[ResourceHealth]@resourceID
SELinuxOptions 1=user:string 2=role:string 3=type:string 4=level:string
ScaleIOPersistentVolumeSource 1=gateway:string!+ 2=system:string!+ 3=secretRef:SecretReference*+ 4=sslEnabled:bool
  5=protectionDomain:string 6=storagePool:string 7=storageMode:string?"ThinProvisioned" 8=volumeName:string
  9=fsType:string?"xfs" 10=readOnly:bool
ScaleIOVolumeSource 1=gateway:string!+ 2=system:string!+ 3=secretRef:LocalObjectReference*+ 4=sslEnabled:bool
  5=protectionDomain:string 6=storagePool:string 7=storageMode:string?"ThinProvisioned" 8=volumeName:string
  9=fsType:string?"xfs" 10=readOnly:bool
ScopeSelector@atomic 1=matchExpressions:[ScopedResourceSelectorRequirement]@atomic
ScopedResourceSelectorRequirement 1=scopeName:ResourceQuotaScope!+ 2=operator:ScopeSelectorOperator!+
  3=values:[string]@atomic
SeccompProfile 1=type:SeccompProfileType!+ 2=localhostProfile:string*
Secret 1=metadata:meta.ObjectMeta 2=data:{bytes} 3=type:string 4=stringData:{string} 5=immutable:bool*
SecretEnvSource 1=localObjectReference:LocalObjectReference^ 2=optional:bool*
SecretKeySelector@atomic 1=localObjectReference:LocalObjectReference^ 2=key:string!+ 3=optional:bool*
SecretProjection 1=localObjectReference:LocalObjectReference^ 2=items:[KeyToPath]@atomic 4=optional:bool*
SecretReference@atomic 1=name:string 2=namespace:string
SecretVolumeSource 1=secretName:string 2=items:[KeyToPath]@atomic 3=defaultMode:int32* 4=optional:bool*
  5=defaultUser:int64*
SecurityContext 1=capabilities:Capabilities* 2=privileged:bool* 3=seLinuxOptions:SELinuxOptions* 4=runAsUser:int64*
  5=runAsNonRoot:bool* 6=readOnlyRootFilesystem:bool* 7=allowPrivilegeEscalation:bool* 8=runAsGroup:int64*
  9=procMount:ProcMountType* 10=windowsOptions:WindowsSecurityContextOptions* 11=seccompProfile:SeccompProfile*
  12=appArmorProfile:AppArmorProfile*
Service 1=metadata:meta.ObjectMeta 2=spec:ServiceSpec 3=status:ServiceStatus
ServiceAccount 1=metadata:meta.ObjectMeta 2=secrets:[ObjectReference]@name~m:name
  3=imagePullSecrets:[LocalObjectReference]@atomic 4=automountServiceAccountToken:bool*
ServiceAccountTokenProjection 1=audience:string 2=expirationSeconds:int64* 3=path:string!+ 4=user:int64*
ServicePort 1=name:string 2=protocol:Protocol?"TCP" 3=port:int32!+ 4=targetPort:intstr 5=nodePort:int32
  6=appProtocol:string*
ServiceSpec 1=ports:[ServicePort]@port,protocol~m:port 2=selector:{string}@atomic 3=clusterIP:string
  4=type:ServiceType 5=externalIPs:[string]@atomic 7=sessionAffinity:ServiceAffinity 8=loadBalancerIP:string
  9=loadBalancerSourceRanges:[string]@atomic 10=externalName:string
  11=externalTrafficPolicy:ServiceExternalTrafficPolicy 12=healthCheckNodePort:int32 13=publishNotReadyAddresses:bool
  14=sessionAffinityConfig:SessionAffinityConfig* 17=ipFamilyPolicy:IPFamilyPolicy* 18=clusterIPs:[string]@atomic
  19=ipFamilies:[IPFamily]@atomic 20=allocateLoadBalancerNodePorts:bool* 21=loadBalancerClass:string*
  22=internalTrafficPolicy:ServiceInternalTrafficPolicy* 23=trafficDistribution:string*
ServiceStatus 1=loadBalancer:LoadBalancerStatus 2=conditions:[meta.Condition]@type~m:type
SessionAffinityConfig 1=clientIP:ClientIPConfig*
SleepAction 1=seconds:int64!+
StorageOSPersistentVolumeSource 1=volumeName:string 2=volumeNamespace:string 3=fsType:string 4=readOnly:bool
  5=secretRef:ObjectReference*
StorageOSVolumeSource 1=volumeName:string 2=volumeNamespace:string 3=fsType:string 4=readOnly:bool
  5=secretRef:LocalObjectReference*
Sysctl 1=name:string!+ 2=value:string!+
TCPSocketAction 1=port:intstr!+ 2=host:string
Taint 1=key:string!+ 2=value:string 3=effect:TaintEffect!+ 4=timeAdded:time*
Toleration 1=key:string 2=operator:TolerationOperator 3=value:string 4=effect:TaintEffect 5=tolerationSeconds:int64*
TopologySelectorLabelRequirement 1=key:string!+ 2=values:[string]!+@atomic
TopologySelectorTerm@atomic 1=matchLabelExpressions:[TopologySelectorLabelRequirement]@atomic
TopologySpreadConstraint 1=maxSkew:int32!+ 2=topologyKey:string!+ 3=whenUnsatisfiable:UnsatisfiableConstraintAction!+
  4=labelSelector:meta.LabelSelector* 5=minDomains:int32* 6=nodeAffinityPolicy:NodeInclusionPolicy*
  7=nodeTaintsPolicy:NodeInclusionPolicy* 8=matchLabelKeys:[string]@atomic
TypedLocalObjectReference@atomic 1=apiGroup:string* 2=kind:string!+ 3=name:string!+
TypedObjectReference 1=apiGroup:string* 2=kind:string!+ 3=name:string!+ 4=namespace:string*
Volume 1=name:string!+ 2=volumeSource:VolumeSource^
VolumeDevice 1=name:string!+ 2=devicePath:string!+
VolumeHealthCondition 1=status:string!+ 2=reason:string!+ 3=message:string
VolumeHealthStatus 1=healthConditions:[VolumeHealthCondition]@status,reason~m:status 2=lastTransitionTime:time
VolumeMount 1=name:string!+ 2=readOnly:bool 3=mountPath:string!+ 4=subPath:string
  5=mountPropagation:MountPropagationMode* 6=subPathExpr:string 7=recursiveReadOnly:string*
  8=bindMountOptions:[string]@set
VolumeMountStatus 1=name:string!+ 2=mountPath:string!+ 3=readOnly:bool 4=recursiveReadOnly:string*
  5=volumeStatus:VolumeStatus*
VolumeNodeAffinity 1=required:NodeSelector*
VolumeProjection 1=secret:SecretProjection* 2=downwardAPI:DownwardAPIProjection* 3=configMap:ConfigMapProjection*
  4=serviceAccountToken:ServiceAccountTokenProjection* 5=clusterTrustBundle:ClusterTrustBundleProjection*
  6=podCertificate:PodCertificateProjection*
VolumeResourceRequirements 1=limits:{quantity} 2=requests:{quantity}
VolumeSource 1=hostPath:HostPathVolumeSource* 2=emptyDir:EmptyDirVolumeSource*
  3=gcePersistentDisk:GCEPersistentDiskVolumeSource* 4=awsElasticBlockStore:AWSElasticBlockStoreVolumeSource*
  5=gitRepo:GitRepoVolumeSource* 6=secret:SecretVolumeSource* 7=nfs:NFSVolumeSource* 8=iscsi:ISCSIVolumeSource*
  9=glusterfs:GlusterfsVolumeSource* 10=persistentVolumeClaim:PersistentVolumeClaimVolumeSource*
  11=rbd:RBDVolumeSource* 12=flexVolume:FlexVolumeSource* 13=cinder:CinderVolumeSource* 14=cephfs:CephFSVolumeSource*
  15=flocker:FlockerVolumeSource* 16=downwardAPI:DownwardAPIVolumeSource* 17=fc:FCVolumeSource*
  18=azureFile:AzureFileVolumeSource* 19=configMap:ConfigMapVolumeSource*
  20=vsphereVolume:VsphereVirtualDiskVolumeSource* 21=quobyte:QuobyteVolumeSource* 22=azureDisk:AzureDiskVolumeSource*
  23=photonPersistentDisk:PhotonPersistentDiskVolumeSource* 24=portworxVolume:PortworxVolumeSource*
  25=scaleIO:ScaleIOVolumeSource* 26=projected:ProjectedVolumeSource* 27=storageos:StorageOSVolumeSource*
  28=csi:CSIVolumeSource* 29=ephemeral:EphemeralVolumeSource* 30=image:ImageVolumeSource*
VolumeStatus 1=image:ImageVolumeStatus*
VsphereVirtualDiskVolumeSource 1=volumePath:string!+ 2=fsType:string 3=storagePolicyName:string
  4=storagePolicyID:string
WeightedPodAffinityTerm 1=weight:int32!+ 2=podAffinityTerm:PodAffinityTerm!+
WindowsSecurityContextOptions 1=gmsaCredentialSpecName:string* 2=gmsaCredentialSpec:string* 3=runAsUserName:string*
  4=hostProcess:bool*
"""
