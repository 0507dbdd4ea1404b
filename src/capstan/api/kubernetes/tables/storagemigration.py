"""The messages of storagemigration: one line each; the notation is told in the package."""

TABLE = """\
StorageVersionMigration 1=metadata:meta.ObjectMeta 2=spec:StorageVersionMigrationSpec
  3=status:StorageVersionMigrationStatus
StorageVersionMigrationSpec 1=resource:meta.GroupResource!+
StorageVersionMigrationStatus 1=conditions:[meta.Condition]@type~m:type 2=resourceVersion:string
"""
