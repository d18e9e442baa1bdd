//! Stateful reconnect, step by step: scripts of what one side sends and receives, and of what then leaves.

mod side;

use hub_proto::Encoding;
use serde_json::Value;

use side::Side;

#[test]
fn every_scenario_in_both_encodings() {
    let scenarios: Vec<Value> =
        serde_json::from_str(include_str!("scenarios.json")).expect("an array of scenarios");
    for encoding in [Encoding::Json, Encoding::MessagePack] {
        scenarios.iter().for_each(|scenario| run(scenario, encoding));
    }
    assert_eq!(scenarios.len(), 18);
}

fn run(scenario: &Value, encoding: Encoding) {
    let name = text(scenario, "name");
    knows(scenario, name, &["name", "bufferLimit", "steps", "source"], &["note", "implementation"]);
    // Only those for one implementation's side are not for ours: it opens the links.
    let opens = match scenario.get("implementation").map(|by| by.as_str()) {
        None => false,
        Some(Some("js")) => true,
        Some(other) => panic!("{name}: {other:?}"),
    };
    let limit = scenario["bufferLimit"].as_u64().expect("a limit") as usize;
    let mut side = Side::new(encoding, limit, opens);
    for (n, step) in list(scenario, "steps").iter().enumerate() {
        take(&mut side, step, &format!("{name}, step {n}"));
    }
}

fn take(side: &mut Side, step: &Value, place: &str) {
    let leaves = |side: &mut Side, key: &str| {
        let wanted: Vec<_> = list(step, key).iter().map(|message| side.frame(message)).collect();
        assert_eq!(side.leave(), wanted.concat(), "{place}");
    };
    match text(step, "op") {
        "send" => {
            knows(step, place, &["op", "message", "result"], &[]);
            assert_eq!(side.send(&step["message"]), text(step, "result"), "{place}");
        }
        "receive" => {
            knows(step, place, &["op", "message", "result"], &["unblocks", "error"]);
            let result = side.receive(&step["message"]);
            let error = step.get("error").and_then(Value::as_str);
            let wanted = match text(step, "result") {
                "error" => Err(error.expect("a text").to_owned()),
                result => {
                    assert_eq!(error, None, "{place}");
                    Ok(result)
                }
            };
            assert_eq!(result, wanted, "{place}");
            leaves(side, "unblocks");
        }
        "disconnect" => {
            knows(step, place, &["op"], &[]);
            side.disconnect();
        }
        "reconnect" => {
            knows(step, place, &["op", "writes"], &[]);
            side.reconnect();
            leaves(side, "writes");
        }
        "advance-clock" => {
            knows(step, place, &["op", "ms", "writes"], &[]);
            side.wait(step["ms"].as_u64().expect("milliseconds"));
            leaves(side, "writes");
        }
        other => panic!("{place}: nobody knows how to {other}"),
    }
}

/// A key that nothing looks at would be a promise that nothing keeps.
fn knows(object: &Value, place: &str, keys: &[&str], optional: &[&str]) {
    let object = object.as_object().expect("an object");
    let unknown =
        object.keys().find(|key| !keys.contains(&&***key) && !optional.contains(&&***key));
    assert_eq!(unknown, None, "{place}");
    assert!(keys.iter().all(|key| object.contains_key(*key)), "{place}");
}

fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_else(|| panic!("{key} in {object}"))
}

fn list<'a>(object: &'a Value, key: &str) -> &'a [Value] {
    object.get(key).map_or(&[], |list| list.as_array().expect("a list"))
}
