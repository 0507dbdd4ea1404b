"""The names of the upstream Conformance tests that a server without nodes can pass, by what they need."""

from __future__ import annotations

#: Only kinds that are served for their own sake.
GROUP_A = (
    "[sig-api-machinery] AggregatedDiscovery should support aggregated discovery interface for CRDs",
    "[sig-api-machinery] AggregatedDiscovery should support raw aggregated discovery request for CRDs",
    "[sig-api-machinery] CustomResourceDefinition Watch [Privileged:ClusterAdmin] "
    "CustomResourceDefinition Watch watch on custom resource definition objects",
    "[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple "
    "CustomResourceDefinition creating/deleting custom resource definition objects works",
    "[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple "
    "CustomResourceDefinition getting/updating/patching custom resource definition status sub-resource works",
    "[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple "
    "CustomResourceDefinition listing custom resource definition objects works",
    "[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] custom resource "
    "defaulting for requests and from storage works",
    "[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] should include "
    "custom resource definition resources in discovery documents",
    "[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] removes definition from "
    "spec when one version gets changed to not be served",
    "[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] updates the published "
    "spec when one version gets renamed",
    "[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD preserving "
    "unknown fields at the schema root",
    "[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD preserving "
    "unknown fields in an embedded object",
    "[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD with validation schema",
    "[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD without "
    "validation schema",
    "[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for multiple CRDs "
    "of different groups",
    "[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for multiple CRDs "
    "of same group and version but different kinds",
    "[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for multiple CRDs "
    "of same group but different versions",
    "[sig-api-machinery] Discovery should locate the groupVersion and a resource within each APIGroup",
    "[sig-api-machinery] Discovery should validate PreferredVersion for each APIGroup",
    "[sig-api-machinery] FieldValidation should create/apply a CR with unknown fields for CRD with no "
    "validation schema",
    "[sig-api-machinery] FieldValidation should create/apply a valid CR for CRD with validation schema",
    "[sig-api-machinery] FieldValidation should create/apply an invalid CR with extra properties for CRD "
    "with validation schema",
    "[sig-api-machinery] FieldValidation should detect duplicates in a CR when preserving unknown fields",
    "[sig-api-machinery] FieldValidation should detect unknown metadata fields in both the root and "
    "embedded object of a CR",
    "[sig-api-machinery] Namespaces [Serial] should apply a finalizer to a Namespace",
    "[sig-api-machinery] Namespaces [Serial] should apply an update to a Namespace",
    "[sig-api-machinery] Namespaces [Serial] should apply changes to a namespace status",
    "[sig-api-machinery] Namespaces [Serial] should patch a Namespace",
    "[sig-api-machinery] Servers with support for Table transformation should return a 406 for a backend "
    "which does not implement metadata",
    "[sig-api-machinery] Watchers should be able to restart watching from the last resource version "
    "observed by the previous watch",
    "[sig-api-machinery] Watchers should be able to start watching from a specific resource version",
    "[sig-api-machinery] Watchers should observe add, update, and delete watch notifications on configmaps",
    "[sig-api-machinery] Watchers should observe an object deletion if it stops meeting the requirements "
    "of the selector",
    "[sig-api-machinery] Watchers should receive events on concurrent watches in same order",
    "[sig-api-machinery] server version should find the server version",
    "[sig-auth] ServiceAccounts should create a serviceAccountToken and ensure a successful TokenReview",
    "[sig-auth] ServiceAccounts should guarantee kube-root-ca.crt exist in any namespace",
    "[sig-auth] ServiceAccounts should run through the lifecycle of a ServiceAccount",
    "[sig-auth] ServiceAccounts should update a ServiceAccount",
    "[sig-auth] SubjectReview should support SubjectReview API operations",
    "[sig-cli] Kubectl client Kubectl api-versions should check if v1 is in available api versions",
    "[sig-cli] Kubectl client Kubectl version should check is all data is printed",
    "[sig-cli] Kubectl client Proxy server should support --unix-socket=/path",
    "[sig-cli] Kubectl client Proxy server should support proxy with --port 0",
    "[sig-instrumentation] Events API should delete a collection of events",
    "[sig-instrumentation] Events API should ensure that an event can be fetched, patched, deleted, and listed",
    "[sig-instrumentation] Events should delete a collection of events",
    "[sig-instrumentation] Events should manage the lifecycle of an event",
    "[sig-node] ConfigMap should fail to create ConfigMap with empty key",
    "[sig-node] ConfigMap should run through a ConfigMap lifecycle",
    "[sig-node] Lease lease API should be available",
    "[sig-node] Secrets should fail to create secret due to empty secret key",
    "[sig-node] Secrets should patch a secret",
    "[sig-storage] ConfigMap should be immutable if `immutable` field is set",
    "[sig-storage] Secrets should be immutable if `immutable` field is set",
)

#: Further kinds, as objects that are stored.
GROUP_B = (
    "[sig-api-machinery] API priority and fairness should support FlowSchema API operations",
    "[sig-api-machinery] API priority and fairness should support PriorityLevelConfiguration API operations",
    "[sig-api-machinery] AggregatedDiscovery should support aggregated discovery interface",
    "[sig-api-machinery] AggregatedDiscovery should support raw aggregated discovery endpoint Accept headers",
    "[sig-api-machinery] FieldValidation should detect unknown and duplicate fields of a typed object",
    "[sig-api-machinery] FieldValidation should detect unknown metadata fields of a typed object",
    "[sig-api-machinery] Garbage collector should not be blocked by dependency circle",
    "[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should mutate a Deployment",
    "[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should mutate a Deployment with variables",
    "[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should support "
    "MutatingAdmissionPolicy API operations",
    "[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should support "
    "MutatingAdmissionPolicyBinding API operations",
    "[sig-api-machinery] Namespaces [Serial] should ensure that all services are removed when a namespace is deleted",
    "[sig-api-machinery] ResourceQuota should be able to update and delete ResourceQuota.",
    "[sig-api-machinery] ResourceQuota should manage the lifecycle of a ResourceQuota",
    "[sig-api-machinery] Servers with support for API chunking should return chunks of results for list calls",
    "[sig-api-machinery] Servers with support for API chunking should support continue listing from the "
    "last key if the original version has been compacted away, though the list is inconsistent [Slow]",
    "[sig-api-machinery] StorageVersionMigration should support StorageVersionMigration CRUD operations",
    "[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should allow expressions to "
    "refer variables.",
    "[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should support "
    "ValidatingAdmissionPolicy API operations",
    "[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should support "
    "ValidatingAdmissionPolicyBinding API operations",
    "[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should validate against a Deployment",
    "[sig-apps] CronJob should support CronJob API operations",
    "[sig-auth] Certificates API [Privileged:ClusterAdmin] should support CSR API operations",
    "[sig-auth] ClusterTrustBundle should support CRUD operations",
    "[sig-cli] Kubectl client Kubectl cluster-info should check if Kubernetes control plane services is "
    "included in cluster-info",
    "[sig-cli] Kubectl client Kubectl diff should check if kubectl diff finds a difference for Deployments",
    "[sig-cli] Kubectl client Kubectl run pod should create a pod from an image when restart is Never",
    "[sig-cli] Kubectl client Kubectl server-side dry-run should check if kubectl can dry-run update Pods",
    "[sig-network] EndpointSlice should have Endpoints and EndpointSlices pointing to API Server",
    "[sig-network] EndpointSlice should support creating EndpointSlice API operations",
    "[sig-network] Ingress API should support creating Ingress API operations",
    "[sig-network] IngressClass API should support creating IngressClass API operations",
    "[sig-network] Service CIDRs and IPAddress API should support IPAddress API operations",
    "[sig-network] Service CIDRs and IPAddress API should support ServiceCIDR API operations",
    "[sig-network] Services should complete a service status lifecycle",
    "[sig-network] Services should delete a collection of services",
    "[sig-network] Services should find a service from listing all namespaces",
    "[sig-network] Services should provide secure master service",
    "[sig-network] Services should test the lifecycle of an Endpoint",
    "[sig-node] Node Lifecycle should run through the lifecycle of a node",
    "[sig-node] PodTemplates should delete a collection of pod templates",
    "[sig-node] PodTemplates should replace a pod template",
    "[sig-node] PodTemplates should run the lifecycle of PodTemplates",
    "[sig-node] RuntimeClass should support RuntimeClasses API operations",
    "[sig-scheduling] LimitRange should list, patch and delete a LimitRange by collection",
    "[sig-scheduling] SchedulerPreemption [Serial] PriorityClass endpoints verify PriorityClass "
    "endpoints can be operated with different HTTP methods",
    "[sig-storage] CSIInlineVolumes should run through the lifecycle of a CSIDriver",
    "[sig-storage] CSIInlineVolumes should support CSIVolumeSource in Pod API",
    "[sig-storage] CSINodes CSI Conformance should run through the lifecycle of a csinode",
    "[sig-storage] CSIStorageCapacity should support CSIStorageCapacities API operations",
    "[sig-storage] StorageClasses CSI Conformance should run through the lifecycle of a StorageClass",
    "[sig-storage] VolumeAttachment Conformance should apply changes to a volumeattachment status",
    "[sig-storage] VolumeAttachment Conformance should run through the lifecycle of a VolumeAttachment",
    "[sig-storage] VolumeAttributesClass should run through the lifecycle of a VolumeAttributesClass",
)

#: A webhook or a kind's converter, which upstream runs in a pod and these tests in their process.
GROUP_C = (
    "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] listing mutating webhooks should work",
    "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] listing validating webhooks should work",
    "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] patching/updating a mutating webhook should work",
    "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] patching/updating a validating webhook should work",
    "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to create and update "
    "mutating webhook configurations with match conditions",
    "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to create and update "
    "validating webhook configurations with match conditions",
    "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to deny attaching pod",
    "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to deny custom "
    "resource creation, update and deletion",
    "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to deny pod and configmap creation",
    "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should deny crd creation",
    "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should honor timeout",
    "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should include webhook resources in "
    "discovery documents",
    "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate configmap",
    "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate custom resource",
    "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate custom resource with "
    "different stored version",
    "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate custom resource with pruning",
    "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate everything except "
    "'skip-me' configmaps",
    "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate pod and apply defaults "
    "after mutation",
    "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should not be able to mutate or "
    "prevent deletion of webhook configuration objects",
    "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should reject mutating webhook "
    "configurations with invalid match conditions",
    "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should reject validating webhook "
    "configurations with invalid match conditions",
    "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should unconditionally reject "
    "operations on fail closed webhook",
    "[sig-api-machinery] CustomResourceConversionWebhook [Privileged:ClusterAdmin] should be able to "
    "convert a non homogeneous list of CRs",
    "[sig-api-machinery] CustomResourceConversionWebhook [Privileged:ClusterAdmin] should be able to "
    "convert from CR v1 to CR v2",
    "[sig-api-machinery] CustomResourceFieldSelectors [Privileged:ClusterAdmin] "
    "CustomResourceFieldSelectors MUST list and watch custom resources matching the field selector",
)
