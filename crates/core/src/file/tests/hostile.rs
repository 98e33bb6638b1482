//! A file made to be slow is refused quickly.

use super::file_of;
use crate::file::{ParseOptions, parse};

#[test]
fn a_hostile_file_is_refused_in_a_moment() {
    let most = 1 << 20;
    let fill = |piece: &dyn Fn(usize) -> String| {
        let mut text = String::new();
        for index in 0.. {
            let next = piece(index);
            if text.len() + next.len() > most - 200 {
                break;
            }
            text.push_str(&next);
        }
        text
    };
    let started = std::time::Instant::now();
    for text in [
        fill(&|index| format!("k{index}: 1\n")),
        format!("services:\n{}", fill(&|index| format!("- {{nam{index}: x}}\n"))),
        format!("services:\n- name: a\n{}", fill(&|index| format!("  nam{index}: x\n"))),
        format!("services:\n{}", fill(&|index| format!("{}nam{index}: x\n", if index % 50 == 0 { "- " } else { "  " }))),
        format!("variables:\n{}", fill(&|index| format!("  V{index}: '{{{{W{index}}}}}'\n"))),
        format!("variables:\n  A: \"{}\"\n", fill(&|index| format!("{{{{V{index}}}}}"))),
        format!("secrets: [{}]\n", fill(&|_| "A, ".to_owned())),
        format!("target: {}\n", fill(&|_| "a ".to_owned())),
        format!("target: \"{}\"\n", fill(&|_| "\\n".to_owned())),
        format!("target: {}\n", fill(&|_| "{{".to_owned())),
        format!("? {}\n", fill(&|_| "a: ".to_owned())),
        fill(&|_| "[],".to_owned()),
        fill(&|_| "---\n".to_owned()),
        format!("variables:\n{}", (0..1900).map(|index| format!("  V{index}: '{{{{W{index}}}}}'\n")).collect::<String>()),
        format!("variables:\n  A: '{}}}}}'\nx: 1\n", fill(&|_| "{{".to_owned())),
        format!("variables:\n  A: '{}'\nx: 1\n", fill(&|_| "{{ }}".to_owned())),
        format!("variables:\n{}", fill(&|index| format!("  A{index}: &a{index} [*a{index}, *a{index}]\n"))),
        format!("services: [{}", fill(&|_| "[".to_owned())),
        format!("services:\n{}", fill(&|_| "- ".to_owned())),
        format!("{}a:b", fill(&|_| "\n".to_owned())),
        format!("{}a:b", fill(&|_| "#\n".to_owned())),
    ] {
        let problems = parse(&file_of(&text), &ParseOptions::default()).err().map_or(0, |problems| problems.len());
        assert!((1..=500).contains(&problems), "{problems} problems: {:?}", &text[..30]);
    }
    // Some seconds; the bound is for a machine that does much else.
    assert!(started.elapsed().as_secs() < 180, "{:?}", started.elapsed());
}
