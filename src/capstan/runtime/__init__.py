"""What runs it: plan, executor, client, informer, work queue, controller, manager, clock."""
