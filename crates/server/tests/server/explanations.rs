//! What happened in a deployment, by the API.

use crate::support::Server;
use axum::http::StatusCode;
use serde_json::Value;

/// The pieces of a list: each begins where the one before ended; how long they last together.
fn together(pieces: &Value) -> i64 {
    let pieces = pieces.as_array().unwrap();
    assert!(pieces.windows(2).all(|pair| pair[0]["to"] == pair[1]["from"]), "{pieces:#?}");
    pieces.iter().map(|piece| piece["milliseconds"].as_i64().unwrap()).sum()
}

fn milliseconds(moment: &Value) -> i64 {
    moment.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

fn doings(step: &Value) -> Vec<&str> {
    step["pieces"].as_array().unwrap().iter().map(|piece| piece["doing"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn b07_a_deployment_is_explained_while_it_runs_and_when_it_has_ended() {
    let server = Server::with_environment().await;
    let (first, second) = (server.deploy().await, server.deploy().await);
    let mut events = server.events(&format!("/deployments/{first}/events"), None).await;
    events.until(|event| event.name == "service" && event.data["name"] == "api" && event.data["phase"] == "building").await;

    let (_, running) = server.ask("GET", &format!("/deployments/{first}/explanation"), "").await;
    let steps = &running["stages"][3]["services"][0]["steps"];
    assert_eq!((&running["state"], &steps[0]["state"]), (&"running".into(), &"running".into()), "{running:#}");
    assert_eq!(doings(&steps[0]).last(), Some(&"running"));
    assert_eq!(steps[1]["pieces"].as_array().unwrap().last().unwrap()["doing"], "own-build");
    let (_, queued) = server.ask("GET", &format!("/deployments/{second}/explanation"), "").await;
    assert_eq!((&queued["queued"]["behind"], &queued["queued"]["text"]), (&1.into(), &"queued behind deployment 1".into()));

    server.gate.add_permits(2);
    for id in [&first, &second] {
        server.events(&format!("/deployments/{id}/events"), None).await.until(|event| event.name == "end").await;
        let (_, ended) = server.ask("GET", &format!("/deployments/{id}/explanation"), "").await;
        let makespan = milliseconds(&ended["finishedAt"]) - milliseconds(&ended["acceptedAt"]);
        assert_eq!((together(&ended["criticalPath"]), &ended["until"]), (makespan, &ended["finishedAt"]), "{ended:#}");
        for stage in ended["stages"].as_array().unwrap() {
            for service in stage["services"].as_array().unwrap() {
                service["steps"].as_array().unwrap().iter().for_each(|step| assert!(together(&step["pieces"]) <= makespan));
            }
        }
    }
    let (_, ended) = server.ask("GET", &format!("/deployments/{first}/explanation"), "").await;
    let activities = |step: &Value| -> Vec<String> {
        let parts = step["pieces"].as_array().unwrap().iter().filter_map(|piece| piece["parts"].as_array()).flatten();
        parts.map(|part| part["activity"].as_str().unwrap().to_owned()).collect()
    };
    let steps = &ended["stages"][3]["services"][0]["steps"];
    assert!(activities(&steps[0]).contains(&"building".to_owned()), "what it did is told when it has ended: {steps:#}");
    let (_, ended) = server.ask("GET", &format!("/deployments/{second}/explanation"), "").await;
    let build = &ended["stages"][3]["services"][0]["steps"][0];
    assert_eq!((&build["state"], &build["explanation"]), (&"skipped".into(), &"image present".into()));
    assert_eq!(server.ask("GET", "/deployments/none/explanation", "").await.0, StatusCode::NOT_FOUND);
}
