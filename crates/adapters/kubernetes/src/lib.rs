//! Namespaces, Secrets, rollouts watched to their end, jobs and logs on Kubernetes.
