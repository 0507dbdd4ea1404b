"""The messages of scheduling: one line each; the notation is told in the package."""

TABLE = """\
PriorityClass 1=metadata:meta.ObjectMeta 2=value:int32! 3=globalDefault:bool 4=description:string
  5=preemptionPolicy:core.PreemptionPolicy*
"""
