//! Child processes that never outlive what started them.

use std::io;
use std::process::Stdio;
use std::sync::OnceLock;
use std::sync::mpsc;

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

struct Request {
    command: Command,
    runtime: Handle,
    answer: oneshot::Sender<io::Result<Child>>,
}

/// Starts a command from a thread that lives as long as the program.
///
/// The kernel sends a child its parent-death signal when the *thread* that started it ends, and a runtime ends threads whenever it
/// likes: so the children that have such a signal are all started by one thread that never ends.
pub(crate) async fn spawn(command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<mpsc::Sender<Request>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, receiver) = mpsc::channel::<Request>();
        std::thread::spawn(move || {
            for mut request in receiver {
                let _entered = request.runtime.enter();
                let _asker_is_gone = request.answer.send(request.command.spawn());
            }
        });
        sender
    });
    let (answer, answered) = oneshot::channel();
    let gone = || io::Error::other("the thread that starts processes is gone");
    spawner.send(Request { command, runtime: Handle::current(), answer }).map_err(|_| gone())?;
    answered.await.map_err(|_| gone())?
}

/// A command that the kernel kills when the server dies, where `setpriv` is installed; in a process group of its own.
pub(crate) fn bound(program: &std::path::Path) -> Command {
    let setpriv = std::env::var_os("PATH")
        .and_then(|path| std::env::split_paths(&path).map(|folder| folder.join("setpriv")).find(|file| file.is_file()));
    let mut command = match setpriv {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL", "--"]).arg(program);
            command
        }
        None => Command::new(program),
    };
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).process_group(0);
    command
}

/// Kills a child's process group when it is dropped, unless the child was waited for.
pub(crate) struct GroupGuard(Option<rustix::process::Pid>);

impl GroupGuard {
    pub(crate) fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(rustix::process::Pid::from_raw))
    }

    /// The leader has been reaped: its number may belong to somebody else soon.
    pub(crate) fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for GroupGuard {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _gone_already = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}
