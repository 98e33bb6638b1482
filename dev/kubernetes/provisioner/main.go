// Command provisioner makes a directory of this machine for each claim of the default storage class.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

// name is what the storage class calls this provisioner.
const name = "slipway.dev/hostpath"

// hostPath keeps the volumes of claims as directories of root.
type hostPath struct {
	root string
}

// Provision makes the directory of a volume and describes it.
func (h *hostPath) Provision(_ context.Context, options controller.ProvisionOptions) (*core.PersistentVolume, controller.ProvisioningState, error) {
	if options.PVC.Spec.Selector != nil {
		return nil, controller.ProvisioningFinished, errors.New("a claim with a selector cannot be provisioned: remove spec.selector")
	}
	path := filepath.Join(h.root, fmt.Sprintf("%s_%s_%s", options.PVC.Namespace, options.PVC.Name, options.PVName))
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	// The pod's user is unknown here, and hostPath volumes get no fsGroup.
	if err := os.Chmod(path, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	kind := core.HostPathDirectory
	volume := &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: options.PVName},
		Spec: core.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *options.StorageClass.ReclaimPolicy,
			AccessModes:                   options.PVC.Spec.AccessModes,
			MountOptions:                  options.StorageClass.MountOptions,
			VolumeMode:                    options.PVC.Spec.VolumeMode,
			Capacity: core.ResourceList{
				core.ResourceStorage: options.PVC.Spec.Resources.Requests[core.ResourceStorage],
			},
			PersistentVolumeSource: core.PersistentVolumeSource{
				HostPath: &core.HostPathVolumeSource{Path: path, Type: &kind},
			},
		},
	}
	return volume, controller.ProvisioningFinished, nil
}

// Delete removes the directory of a volume that is no longer claimed.
func (h *hostPath) Delete(_ context.Context, volume *core.PersistentVolume) error {
	source := volume.Spec.HostPath
	if source == nil {
		return fmt.Errorf("volume %s has no hostPath, so it was not made here", volume.Name)
	}
	if filepath.Dir(source.Path) != h.root || !strings.HasSuffix(source.Path, "_"+volume.Name) {
		return fmt.Errorf("volume %s lies at %s, not below %s: not deleted", volume.Name, source.Path, h.root)
	}
	return os.RemoveAll(source.Path)
}

func run() error {
	kubeconfig := flag.String("kubeconfig", "", "path of the kubeconfig")
	root := flag.String("root", "", "directory of the volumes")
	flag.Parse()
	if *kubeconfig == "" || !filepath.IsAbs(*root) || filepath.Clean(*root) != *root {
		return errors.New("usage: provisioner --kubeconfig FILE --root ABSOLUTE-DIRECTORY")
	}
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 100, 200
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	// There is one provisioner on the one node: no election.
	controller.NewProvisionController(ctx, client, name, &hostPath{root: *root}, controller.LeaderElection(false)).Run(ctx)
	return nil
}

func main() {
	if err := run(); err != nil {
		slog.Error("provisioner stopped", "error", err)
		os.Exit(1)
	}
}
