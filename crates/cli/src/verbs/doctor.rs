//! `slipway doctor`: checks everything that a deployment needs, here and at the server.

use std::os::unix::fs::PermissionsExt as _;

use slipway_ports::api::{CheckStatus, CheckView, DoctorView, VersionView};

use crate::context::Context;
use crate::output::{self, Output};
use crate::paint::Paint;
use crate::stop::{Exit, Stop};

pub(crate) async fn run(context: &Context) -> Result<Exit, Stop> {
    let mut checks = Vec::new();
    checks.extend(token(context));
    let server = server(context).await;
    let answers = server.status == CheckStatus::Ok;
    checks.push(server);
    if answers {
        let found: DoctorView = context.client()?.get("/doctor").await?;
        checks.extend(found.checks);
    }
    match context.output {
        Output::Json => output::json(&DoctorView { checks: checks.clone() })?,
        Output::Text => print(&checks)?,
    }
    let problem = checks.iter().any(|check| check.status == CheckStatus::Problem);
    Ok(match (problem, answers) {
        (true, false) => Exit::Unreachable,
        (true, true) => Exit::Internal,
        (false, _) => Exit::Done,
    })
}

fn token(context: &Context) -> Option<CheckView> {
    let path = context.home.token_path();
    let mode = std::fs::metadata(&path).ok()?.permissions().mode() & 0o777;
    Some(if mode == 0o600 {
        CheckView::ok("token", format!("only its user reads {}", path.display()))
    } else {
        let message = format!("{} has mode {mode:o}: others can read it", path.display());
        CheckView::found(CheckStatus::Problem, "token", message, Some(format!("chmod 600 -- {}", path.display())))
    })
}

async fn server(context: &Context) -> CheckView {
    let answer = match context.client() {
        Ok(client) => client.get::<VersionView>("/version").await.map(|version| (client.address().to_owned(), version)),
        Err(stop) => Err(stop),
    };
    match answer {
        Ok((address, version)) if version.version == env!("CARGO_PKG_VERSION") => {
            CheckView::ok("server", format!("version {} at http://{address}, process {}", version.version, version.pid))
        }
        Ok((_, version)) => {
            let message = format!("it is version {}, this program is {}", version.version, env!("CARGO_PKG_VERSION"));
            CheckView::found(CheckStatus::Problem, "server", message, Some("`slipway down`, then `slipway up`".to_owned()))
        }
        Err(stop) => CheckView::found(CheckStatus::Problem, "server", stop.message, stop.hint),
    }
}

fn print(checks: &[CheckView]) -> Result<(), Stop> {
    let paint = Paint::of(&std::io::stdout());
    for check in checks {
        let status = format!("{:8}", check.status.as_str());
        let status = match check.status {
            CheckStatus::Ok => paint.green(status),
            CheckStatus::Warning => paint.yellow(status),
            CheckStatus::Problem => paint.red(status),
        };
        output::line(format!("{status} {:12} {}", check.name, check.message))?;
        if let Some(hint) = &check.hint {
            output::line(format!("{:8} {:12} {} {hint}", "", "", paint.cyan("hint:")))?;
        }
    }
    Ok(())
}
