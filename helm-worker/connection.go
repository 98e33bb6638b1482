package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"sync"
	"time"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/common"
)

const (
	// Client-go slows down to 5 requests a second by default; a release of ten objects then takes seconds.
	clientQPS   = 400
	clientBurst = 800
	// An API that was added to the cluster is seen by templates after this long at the latest.
	capabilitiesAge = 5 * time.Minute
)

// connection is what is kept between the operations on one cluster: the discovered API and nothing of a release.
type connection struct {
	kubeconfig [sha256.Size]byte
	config     *rest.Config
	loaded     *clientcmdapi.Config
	context    string
	discovery  discovery.CachedDiscoveryInterface
	mapper     *restmapper.DeferredDiscoveryRESTMapper

	mutex          sync.Mutex
	capabilities   *common.Capabilities
	capabilitiesAt time.Time
}

// connections keeps one connection per kubeconfig and context, and replaces it when the file changes.
type connections struct {
	mutex sync.Mutex
	open  map[cluster]*connection
}

func newConnections() *connections {
	return &connections{open: map[cluster]*connection{}}
}

func (c *connections) to(where cluster) (*connection, error) {
	content, err := os.ReadFile(where.Kubeconfig)
	if err != nil {
		return nil, permanent("kubeconfig-unreadable", err.Error())
	}
	digest := sha256.Sum256(content)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if known, found := c.open[where]; found && known.kubeconfig == digest {
		return known, nil
	}
	opened, err := connect(where, digest)
	if err != nil {
		return nil, err
	}
	c.open[where] = opened
	return opened, nil
}

func connect(where cluster, digest [sha256.Size]byte) (*connection, error) {
	loaded, err := clientcmd.LoadFromFile(where.Kubeconfig)
	if err != nil {
		return nil, permanent("kubeconfig-invalid", err.Error())
	}
	if err := clientcmd.ResolveLocalPaths(loaded); err != nil {
		return nil, permanent("kubeconfig-invalid", err.Error())
	}
	if where.Context == "" {
		where.Context = loaded.CurrentContext
	}
	if err := refuseExec(loaded, where); err != nil {
		return nil, err
	}
	overrides := &clientcmd.ConfigOverrides{CurrentContext: where.Context}
	config, err := clientcmd.NewDefaultClientConfig(*loaded, overrides).ClientConfig()
	if err != nil {
		return nil, permanent("kubeconfig-invalid", err.Error())
	}
	config.QPS = clientQPS
	config.Burst = clientBurst
	config.UserAgent = "slipway-helm-worker"
	discoveryConfig := rest.CopyConfig(config)
	discoveryConfig.Timeout = 30 * time.Second
	client, err := discovery.NewDiscoveryClientForConfig(discoveryConfig)
	if err != nil {
		return nil, permanent("kubeconfig-invalid", err.Error())
	}
	cached := memory.NewMemCacheClient(client)
	return &connection{
		kubeconfig: digest,
		config:     config,
		loaded:     loaded,
		context:    where.Context,
		discovery:  cached,
		mapper:     restmapper.NewDeferredDiscoveryRESTMapper(cached),
	}, nil
}

// refuseExec keeps a kubeconfig from running programs on this host unless the target allows it.
func refuseExec(loaded *clientcmdapi.Config, where cluster) error {
	context, found := loaded.Contexts[where.Context]
	if !found {
		return permanent("kubeconfig-invalid",
			fmt.Sprintf("context %q is not in %s", where.Context, where.Kubeconfig))
	}
	user, found := loaded.AuthInfos[context.AuthInfo]
	if !found || where.AllowExec {
		return nil
	}
	if user.Exec != nil || user.AuthProvider != nil {
		return permanent("kubeconfig-runs-program", fmt.Sprintf(
			"user %q in %s runs a program to log in; allow that on the target first", context.AuthInfo, where.Kubeconfig))
	}
	return nil
}

// knownCapabilities are the cluster's version and API, discovered again when they are old.
func (c *connection) knownCapabilities() (*common.Capabilities, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.capabilities != nil && time.Since(c.capabilitiesAt) < capabilitiesAge {
		return c.capabilities.Copy(), nil
	}
	c.mapper.Reset()
	version, err := c.discovery.ServerVersion()
	if err != nil {
		return nil, fmt.Errorf("kubernetes cluster unreachable: %w", err)
	}
	versions, err := action.GetVersionSet(c.discovery)
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		return nil, err
	}
	c.capabilities = &common.Capabilities{
		APIVersions: versions,
		KubeVersion: common.KubeVersion{Version: version.GitVersion, Major: version.Major, Minor: version.Minor},
		HelmVersion: common.DefaultCapabilities.HelmVersion,
	}
	c.capabilitiesAt = time.Now()
	return c.capabilities.Copy(), nil
}

// forget drops what was discovered, so that an API that was just added is found.
func (c *connection) forget() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.capabilities = nil
	c.mapper.Reset()
}
