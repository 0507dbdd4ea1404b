"""The messages of authentication: one line each; the notation is told in the package."""

TABLE = """\
BoundObjectReference 1=kind:string 2=apiVersion:string 3=name:string 4=uid:string
SelfSubjectReview 1=metadata:meta.ObjectMeta 2=status:SelfSubjectReviewStatus
SelfSubjectReviewStatus 1=userInfo:UserInfo
TokenRequest 1=metadata:meta.ObjectMeta 2=spec:TokenRequestSpec! 3=status:TokenRequestStatus
TokenRequestSpec 1=audiences:[string]!@atomic 3=boundObjectRef:BoundObjectReference* 4=expirationSeconds:int64*
  5=attestations:{strings}
TokenRequestStatus 1=token:string! 2=expirationTimestamp:time!
TokenReview 1=metadata:meta.ObjectMeta 2=spec:TokenReviewSpec!+ 3=status:TokenReviewStatus
TokenReviewSpec 1=token:string+ 2=audiences:[string]@atomic
TokenReviewStatus 1=authenticated:bool 2=user:UserInfo 3=error:string 4=audiences:[string]@atomic
UserInfo 1=username:string 2=uid:string 3=groups:[string]@atomic 4=extra:{strings}
"""
