//! Laws: whatever form a secret takes, it is not read.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;

fn mask_of(secrets: &[&str]) -> Mask {
    Mask::default().and(secrets.iter().map(|secret| SecretText::new(*secret)))
}

/// The lines as they are shown.
fn shown(mask: &Mask, lines: &[String]) -> Vec<String> {
    mask.mask_lines(lines)
}

fn url_encoded(secret: &str, choices: &[u8]) -> String {
    let mut choices = choices.iter().cycle();
    let mut encoded = String::new();
    for character in secret.chars() {
        match (character, choices.next()) {
            (' ', Some(choice)) if choice % 2 == 0 => encoded.push('+'),
            ('%' | '+' | ' ', _) | (_, Some(1)) => {
                let mut bytes = [0; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    encoded.push_str(&format!("%{byte:02X}"));
                }
            }
            (_, Some(2)) if character.is_ascii() => encoded.push_str(&format!("%{:02x}", u32::from(character))),
            _ => encoded.push(character),
        }
    }
    encoded
}

proptest! {
    #[test]
    fn a_secret_is_not_read_wherever_it_stands(secret in "[!-~é☃]{6,40}", before in "[ \t]{0,5}", after in "[ \t]{0,5}") {
        let mask = mask_of(&[&secret]);
        let text = format!("{before}{secret}{after}{secret}");
        let masked = mask.mask(&text);
        prop_assert!(!masked.contains(&secret), "{masked}");
        prop_assert!(masked.replace(STARS, "").trim().is_empty(), "{masked}");
    }

    #[test]
    fn base64_of_a_secret_is_not_read_at_any_alignment(
        secret in "[!-~é☃]{6,40}",
        before in prop::collection::vec(any::<u8>(), 0..7),
        after in prop::collection::vec(any::<u8>(), 0..7),
        engine in 0..4_usize,
    ) {
        let engine = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD][engine];
        let whole = [before.as_slice(), secret.as_bytes(), after.as_slice()].concat();
        let encoded = engine.encode(&whole);
        let masked = mask_of(&[&secret]).mask(&encoded);
        // Only digits that hold no bit of the secret may be left on either side.
        let (left, right) = masked.split_once(STARS).expect("it is masked");
        prop_assert!(left.len() * 6 <= before.len() * 8, "{encoded} {masked}");
        let first = encoded.len() - right.len();
        prop_assert!(right.is_empty() || first * 6 >= (before.len() + secret.len()) * 8, "{encoded} {masked}");
        prop_assert!(encoded.starts_with(left) && encoded.ends_with(right));
    }

    #[test]
    fn a_url_encoded_secret_is_not_read_whichever_characters_are_encoded(
        secret in "[!-~][ -~é☃]{4,30}[!-~]",
        choices in prop::collection::vec(0..4_u8, 1..20),
    ) {
        let encoded = url_encoded(&secret, &choices);
        let masked = mask_of(&[&secret]).mask(&format!("\t{encoded}\t"));
        prop_assert!(!masked.contains(&encoded), "{} {}", encoded, masked);
        prop_assert_eq!(masked, "\t***\t", "{}", encoded);
    }

    #[test]
    fn a_secret_that_is_cut_into_lines_shows_at_most_its_beginning(
        secret in "[a-z]{16,40}",
        cuts in prop::collection::btree_set(1..40_usize, 1..6),
        engine in prop::option::of(0..2_usize),
    ) {
        let text = match engine {
            Some(engine) => [&STANDARD, &URL_SAFE][engine].encode(&secret),
            None => secret.clone(),
        };
        let mut lines = vec!["# ".to_owned()];
        for (place, character) in text.chars().enumerate() {
            if cuts.contains(&place) {
                lines.push(String::new());
            }
            lines.last_mut().unwrap().push(character);
        }
        lines.last_mut().unwrap().push_str(" #");
        let read = shown(&mask_of(&[&secret]), &lines).concat().replace(STARS, "");
        let read = read.trim_start_matches("# ").trim_end_matches(" #");
        // The last digit of base64 has a few bits of the last character alone; in a line of its own nobody knows it.
        let digits = text.trim_end_matches('=');
        let read = read.trim_end_matches('=');
        let beginning = match engine {
            Some(_) if read.len() == TELLING || !digits.starts_with(read) => read.strip_suffix(&digits[digits.len() - 1..]).unwrap_or(read),
            _ => read,
        };
        prop_assert!(beginning.len() < TELLING && text.starts_with(beginning), "{:?} shows {:?}", lines, read);
    }

    #[test]
    fn what_holds_no_secret_stays_as_it_is(
        secrets in prop::collection::vec("[A-M]{6,20}", 0..4),
        lines in prop::collection::vec("[n-z0-9%+= é☃]{0,40}", 0..6),
    ) {
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        // Base64 of capital letters begins with other letters than these lines hold, but may end one.
        let lines: Vec<String> = lines.into_iter().map(|line| format!("{line} #")).collect();
        prop_assert_eq!(shown(&mask_of(&secrets), &lines), lines);
    }

    #[test]
    fn no_text_and_no_secret_breaks_the_mask(secrets in prop::collection::vec("\\PC{0,12}", 0..5), lines in prop::collection::vec("\\PC{0,30}", 0..5)) {
        let mask = mask_of(&secrets.iter().map(String::as_str).collect::<Vec<_>>());
        prop_assert_eq!(shown(&mask, &lines).len(), lines.len());
    }
}

#[test]
fn the_last_digit_of_base64_in_a_line_of_its_own_may_look_like_one_of_the_beginning() {
    let text = STANDARD.encode("aaaaaxaaaaaaaaaaaaaaaaaaaaaan");
    let lines = [format!("# {}", &text[..7]), text[7..38].to_owned(), format!("{} #", &text[38..])];
    assert_eq!(shown(&mask_of(&["aaaaaxaaaaaaaaaaaaaaaaaaaaaan"]), &lines), ["# YWFhYWF", "***", "4= #"]);
}

#[test]
fn short_secrets_are_left_and_one_that_begins_with_another_leaves_no_rest() {
    let mask = mask_of(&["short", "hunter", "hunter2-and-more"]);
    assert_eq!(mask.mask("short hunter hunter2-and-more hunterhunter!"), "short *** *** ***!");
}

#[test]
fn a_line_that_ends_like_a_secret_begins_shows_little_of_it_and_the_next_one_nothing() {
    let mask = mask_of(&["correct-horse-battery"]);
    let lines = ["token=correct", "-horse-battery.", "token=correct-horse", "other"].map(str::to_owned);
    assert_eq!(shown(&mask, &lines), ["token=correct", "***.", "token=***", "other"]);
}

#[test]
fn a_flood_of_beginnings_takes_no_longer_than_any_other() {
    let secret = format!("{}b", "a".repeat(5000));
    let mask = mask_of(&[&secret]);
    let flood = "a".repeat(4 << 20);
    assert!(mask.mask(&flood).ends_with(STARS));
    assert_eq!(mask_of(&["aaaaaa"]).mask(&flood), STARS);
}
