"""The messages of rbac: one line each; the notation is told in the package."""

TABLE = """\
AggregationRule 1=clusterRoleSelectors:[meta.LabelSelector]@atomic
ClusterRole 1=metadata:meta.ObjectMeta 2=rules:[PolicyRule]!@atomic 3=aggregationRule:AggregationRule*
ClusterRoleBinding 1=metadata:meta.ObjectMeta 2=subjects:[Subject]@atomic 3=roleRef:RoleRef!+
PolicyRule 1=verbs:[string]!+@atomic 2=apiGroups:[string]@atomic 3=resources:[string]@atomic
  4=resourceNames:[string]@atomic 5=nonResourceURLs:[string]@atomic
Role 1=metadata:meta.ObjectMeta 2=rules:[PolicyRule]!@atomic
RoleBinding 1=metadata:meta.ObjectMeta 2=subjects:[Subject]@atomic 3=roleRef:RoleRef!+
RoleRef@atomic 1=apiGroup:string! 2=kind:string!+ 3=name:string!+
Subject@atomic 1=kind:string!+ 2=apiGroup:string 3=name:string!+ 4=namespace:string
"""
