//! The thread that is the parent of every worker.
//!
//! A worker asks the kernel to be killed when its parent dies, and the kernel means the *thread* that started it. Threads
//! of an async runtime come and go; this one stays until its owner goes.

use std::io;
use std::sync::mpsc;

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Starts processes on a thread of its own, which ends when this is dropped, and the processes with it.
#[derive(Debug)]
pub(super) struct Spawner {
    orders: mpsc::Sender<Order>,
}

struct Order {
    command: Command,
    runtime: Handle,
    child: oneshot::Sender<io::Result<Child>>,
}

impl Spawner {
    pub(super) fn new() -> io::Result<Self> {
        let (orders, received) = mpsc::channel::<Order>();
        std::thread::Builder::new().name("helm-worker-parent".to_owned()).spawn(move || {
            while let Ok(mut order) = received.recv() {
                let _runtime = order.runtime.enter();
                // Nobody waits any more if this fails; the child is then dropped, and killed by that.
                let _ = order.child.send(order.command.spawn());
            }
        })?;
        Ok(Self { orders })
    }

    /// Starts the process. Called on a runtime, which then drives its pipes.
    pub(super) async fn spawn(&self, command: Command) -> io::Result<Child> {
        let (child, started) = oneshot::channel();
        let gone = || io::Error::other("the thread that starts workers is gone");
        self.orders.send(Order { command, runtime: Handle::current(), child }).map_err(|_| gone())?;
        started.await.map_err(|_| gone())?
    }
}
