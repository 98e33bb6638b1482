//! End to end: real git, builder, registry, Helm and Kubernetes.
