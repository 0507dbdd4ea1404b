"""The messages of node: one line each; the notation is told in the package."""

TABLE = """\
Overhead 1=podFixed:{quantity}
RuntimeClass 1=metadata:meta.ObjectMeta 2=handler:string!+ 3=overhead:Overhead* 4=scheduling:Scheduling*
Scheduling 1=nodeSelector:{string}@atomic 2=tolerations:[core.Toleration]@atomic
"""
