"""The messages of apiregistration: one line each; the notation is told in the package."""

TABLE = """\
APIService 1=metadata:meta.ObjectMeta 2=spec:APIServiceSpec 3=status:APIServiceStatus
APIServiceCondition 1=type:string!+ 2=status:string!+ 3=lastTransitionTime:time 4=reason:string 5=message:string
APIServiceSpec 1=service:ServiceReference* 2=group:string 3=version:string 4=insecureSkipTLSVerify:bool
  5=caBundle:bytes@atomic 7=groupPriorityMinimum:int32!+ 8=versionPriority:int32!+
APIServiceStatus 1=conditions:[APIServiceCondition]@type~m:type
ServiceReference 1=namespace:string 2=name:string 3=port:int32*
"""
