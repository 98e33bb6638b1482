//! Laws and examples of what a service sees.

use super::*;

fn name(text: &str) -> VariableName {
    VariableName::new(text).unwrap()
}

fn text(variable: &str, value: &str) -> Variable {
    Variable { name: name(variable), value: VariableValue::Text(value.to_owned()) }
}

static BUILTINS: std::sync::LazyLock<BTreeMap<VariableName, Resolved>> =
    std::sync::LazyLock::new(|| BTreeMap::from([(name("SLIPWAY_DATABASE_DB_URL"), Resolved::secret("postgresql://pw@db"))]));

fn scopes<'a>(environment: &'a [Variable], service: &'a [Variable]) -> Scopes<'a> {
    Scopes {
        builtins: &BUILTINS,
        project: &[],
        environment,
        service,
        secrets: BTreeMap::from([("TOKEN".to_owned(), Resolved::secret("hunter2"))]),
        visible_secrets: &[],
        files: &[],
        outputs: Outputs::OfNoBuild,
    }
}

#[test]
fn the_inner_scope_wins_and_texts_take_from_each_other() {
    let environment = [text("LEVEL", "info"), text("GREETING", "level {{LEVEL}}, {{ LEVEL }}")];
    let service = [text("LEVEL", "warn")];
    let values = resolve(&scopes(&environment, &service)).unwrap().values;
    assert_eq!(values[&name("GREETING")], Resolved::plain("level warn, warn"));
}

#[test]
fn what_a_project_gives_is_inside_the_built_in_scope_and_around_that_of_the_environment() {
    let project = [text("LEVEL", "info"), text("REGION", "eu"), text("GREETING", "{{LEVEL}} in {{REGION}}")];
    let environment = [text("LEVEL", "warn")];
    let service = [text("REGION", "us")];
    let within = |environment, service| {
        let scopes = Scopes { project: &project, ..scopes(environment, service) };
        resolve(&scopes).unwrap().values[&name("GREETING")].clone()
    };
    assert_eq!(within(&[], &[]), Resolved::plain("info in eu"));
    assert_eq!(within(&environment, &[]), Resolved::plain("warn in eu"));
    assert_eq!(within(&environment, &service), Resolved::plain("warn in us"));
    let builtin = "SLIPWAY_DATABASE_DB_URL";
    let project = [text(builtin, "the project's")];
    let values = resolve(&Scopes { project: &project, ..scopes(&[], &[]) }).unwrap().values;
    assert_eq!(values[&name(builtin)], Resolved::plain("the project's"));
}

#[test]
fn what_takes_from_a_secret_is_secret_and_does_not_print() {
    let environment = [text("URL", "{{SLIPWAY_DATABASE_DB_URL}}?x")];
    let resolution = resolve(&scopes(&environment, &[])).unwrap();
    assert!(resolution.values[&name("URL")].is_secret());
    assert!(!format!("{resolution:?}").contains("pw@db"));
}

#[test]
fn a_service_sees_what_is_declared_and_not_every_built_in() {
    let environment = [text("URL", "{{SLIPWAY_DATABASE_DB_URL}}")];
    let resolution = resolve(&scopes(&environment, &[])).unwrap();
    assert_eq!(resolution.values.keys().collect::<Vec<_>>(), [&name("URL")]);
    assert!(resolution.get(&name("SLIPWAY_DATABASE_DB_URL")).is_some());
}

#[test]
fn outputs_of_jobs_are_seen_and_one_that_is_not_written_is_named() {
    let written = BTreeMap::from([(name("SLIPWAY_JOB_SEED_URL"), Resolved::secret("pw@host"))]);
    let environment = [text("A", "{{SLIPWAY_JOB_SEED_URL}}/x")];
    let scopes = Scopes { outputs: Outputs::Written(&written), ..scopes(&environment, &[]) };
    let values = resolve(&scopes).unwrap().values;
    assert_eq!(values[&name("A")], Resolved::secret("pw@host/x"));
    assert_eq!(values[&name("SLIPWAY_JOB_SEED_URL")], Resolved::secret("pw@host"));
    let environment = [text("A", "{{SLIPWAY_JOB_SEED_TOKEN}}")];
    let problem = resolve(&Scopes { environment: &environment, ..scopes }).unwrap_err();
    let words =
        "`A` takes from `SLIPWAY_JOB_SEED_TOKEN`, which no job of an earlier stage has written; written are SLIPWAY_JOB_SEED_URL";
    assert_eq!(problem.to_string(), words);
}

#[test]
fn c14_a_build_never_takes_from_an_output() {
    let service = [text("A", "x{{SLIPWAY_JOB_SEED_URL}}"), text("B", "b")];
    let values = resolve(&scopes(&[], &service)).unwrap();
    let declared = |name: &str| BTreeSet::from([name.to_owned()]);
    assert!(build_args(&declared("B"), &BTreeMap::new(), &values).is_ok());
    let refused = VariableProblem::OutputArgument { name: "A".to_owned() };
    assert_eq!(build_args(&declared("A"), &BTreeMap::new(), &values).unwrap_err(), refused);
    let args = BTreeMap::from([(name("A"), "{{SLIPWAY_JOB_SEED_URL}}".to_owned())]);
    assert_eq!(build_args(&declared("A"), &args, &values).unwrap_err(), refused);
}

#[test]
fn a_circle_is_named() {
    let environment = [text("A", "{{B}}"), text("B", "{{C}}"), text("C", "{{B}}")];
    let problem = resolve(&scopes(&environment, &[])).unwrap_err();
    assert_eq!(problem.to_string(), "variables need each other in a circle: B -> C -> B");
}

#[test]
fn braces_that_name_nothing_are_text() {
    for literal in ["{{}}", "{{1A}}", "a {{ b c }} d", "{{", "}}{{", "{{é}}", "{é{{"] {
        assert_eq!(references(literal).count(), 0, "{literal}");
        let environment = [text("A", literal)];
        assert_eq!(resolve(&scopes(&environment, &[])).unwrap().values[&name("A")].expose(), literal);
    }
}

/// What a reference is, said slowly: from each place in turn.
fn references_said_slowly(text: &str) -> Vec<VariableName> {
    let mut found = Vec::new();
    let mut from = 0;
    while from < text.len() {
        let inner = text[from..].strip_prefix("{{").and_then(|rest| rest.split_once("}}")).map(|(inner, _)| inner);
        match inner.map(|inner| (inner, VariableName::new(inner.trim()))) {
            Some((inner, Ok(name))) => {
                found.push(name);
                from += inner.len() + 4;
            }
            _ => from += 1,
        }
    }
    found
}

proptest::proptest! {
    #[test]
    fn references_are_found_wherever_braces_stand(text in "[{}A1 ]{0,16}") {
        proptest::prop_assert_eq!(references(&text).collect::<Vec<_>>(), references_said_slowly(&text));
    }

    #[test]
    fn a_text_is_the_sum_of_its_pieces(text in "([{}A]|\\PC){0,20}") {
        let whole: String = pieces(&text)
            .map(|piece| match piece {
                Piece::Text(text) => text.to_owned(),
                Piece::Reference(name) => format!("{{{{{name}}}}}"),
            })
            .collect();
        proptest::prop_assert_eq!(whole, text);
    }
}

#[test]
fn a_growing_text_has_a_bound() {
    let mut environment = vec![text("V0", &"x".repeat(1000))];
    for index in 1..20 {
        environment.push(text(&format!("V{index}"), &format!("{{{{V{}}}}}", index - 1).repeat(10)));
    }
    assert_eq!(resolve(&scopes(&environment, &[])).unwrap_err(), VariableProblem::TooLarge);
}

#[test]
fn built_in_variables_that_nobody_names_take_no_room() {
    let many = (0..3000).map(|index| (name(&format!("SLIPWAY_SERVICE_S{index}_HOST")), Resolved::plain("x".repeat(1000))));
    let builtins = many.collect();
    let environment = [text("ONE", "{{SLIPWAY_SERVICE_S7_HOST}}")];
    let resolution = resolve(&Scopes { builtins: &builtins, ..scopes(&environment, &[]) }).unwrap();
    assert_eq!(resolution.values.keys().collect::<Vec<_>>(), [&name("ONE")]);
    assert_eq!(resolution.get(&name("SLIPWAY_SERVICE_S8_HOST")), Some(&Resolved::plain("x".repeat(1000))));
}

#[test]
fn c14_a_build_sees_only_declared_arguments_and_no_secret() {
    let environment = [text("LEVEL", "info"), text("OTHER", "x"), text("URL", "{{SLIPWAY_DATABASE_DB_URL}}")];
    let values = resolve(&scopes(&environment, &[])).unwrap();
    let declared = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let args = BTreeMap::from([(name("MODE"), "m-{{LEVEL}}".to_owned()), (name("UNDECLARED"), "u".to_owned())]);
    let taken = build_args(&declared(&["LEVEL", "MODE", "UNSET"]), &args, &values).unwrap();
    assert_eq!(taken, BTreeMap::from([("LEVEL".to_owned(), "info".to_owned()), ("MODE".to_owned(), "m-info".to_owned())]));
    let refused = build_args(&declared(&["URL"]), &args, &values).unwrap_err();
    assert_eq!(refused, VariableProblem::SecretArgument { name: "URL".to_owned() });
}
