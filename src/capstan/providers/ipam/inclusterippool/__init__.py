"""InClusterIPPool and GlobalInClusterIPPool: what they hold, what is used, and when they may go."""
