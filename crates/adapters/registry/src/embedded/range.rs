//! Byte ranges: of a download (`Range`, RFC 9110) and of an uploaded chunk (`Content-Range: 0-99`, the specification's form).

/// What to answer to a `Range` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Selection {
    /// The whole content: no range, or a form that a server may ignore.
    Whole,
    /// From `start`, `length` bytes; never empty.
    Part { start: u64, length: u64 },
    /// No byte of the content is in the range.
    Unsatisfiable,
}

/// Selects from content of `total` bytes.
pub(crate) fn select(header: Option<&str>, total: u64) -> Selection {
    let Some(range) = header.and_then(|text| text.trim().strip_prefix("bytes=")) else {
        return Selection::Whole;
    };
    // Several ranges would need a multipart answer, which no registry client asks for.
    let Some((first, last)) = range.split_once('-').filter(|_| !range.contains(',')) else {
        return Selection::Whole;
    };
    match (number(first), number(last)) {
        (Some(start), None) if last.is_empty() => part(start, total.saturating_sub(1), total),
        (Some(start), Some(end)) if start <= end => part(start, end.min(total.saturating_sub(1)), total),
        (None, Some(suffix)) if first.is_empty() && suffix > 0 => {
            part(total.saturating_sub(suffix), total.saturating_sub(1), total)
        }
        (None, Some(0)) if first.is_empty() => Selection::Unsatisfiable,
        _ => Selection::Whole,
    }
}

fn part(start: u64, end: u64, total: u64) -> Selection {
    if start >= total {
        return Selection::Unsatisfiable;
    }
    Selection::Part { start, length: end - start + 1 }
}

/// Reads `<start>-<end>`, both ends inclusive: the start and the length.
pub(crate) fn chunk(header: &str) -> Option<(u64, u64)> {
    let (first, last) = header.trim().split_once('-')?;
    let (start, end) = (number(first)?, number(last)?);
    let length = end.checked_sub(start)?.checked_add(1)?;
    Some((start, length))
}

/// Digits only: `parse` alone would take a plus sign.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_three_forms_of_a_range_select_their_bytes() {
        assert_eq!(select(None, 10), Selection::Whole);
        assert_eq!(select(Some("bytes=2-4"), 10), Selection::Part { start: 2, length: 3 });
        assert_eq!(select(Some("bytes=2-"), 10), Selection::Part { start: 2, length: 8 });
        assert_eq!(select(Some("bytes=-3"), 10), Selection::Part { start: 7, length: 3 });
        assert_eq!(select(Some("bytes=0-99"), 10), Selection::Part { start: 0, length: 10 });
        assert_eq!(select(Some("bytes=-99"), 10), Selection::Part { start: 0, length: 10 });
    }

    #[test]
    fn ranges_outside_the_content_are_unsatisfiable() {
        for (range, total) in [("bytes=10-", 10), ("bytes=10-12", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-5", 0)] {
            assert_eq!(select(Some(range), total), Selection::Unsatisfiable, "{range} of {total}");
        }
    }

    #[test]
    fn forms_that_are_not_ranges_are_ignored() {
        for range in ["bytes=", "bytes=-", "bytes=5-2", "bytes=0-1,3-4", "items=0-1", "bytes=+1-2", "bytes=a-b", "0-1"] {
            assert_eq!(select(Some(range), 10), Selection::Whole, "{range}");
        }
    }

    #[test]
    fn a_chunk_has_two_inclusive_ends() {
        assert_eq!(chunk("0-0"), Some((0, 1)));
        assert_eq!(chunk("5-9"), Some((5, 5)));
        for wrong in ["", "-", "5", "9-5", "bytes 0-1/2", "a-b", "0-18446744073709551615", "+0-1"] {
            assert_eq!(chunk(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_selected_part_lies_within_the_content(header in "bytes=[0-9]{0,20}-[0-9]{0,20}", total in 0u64..2000) {
            if let Selection::Part { start, length } = select(Some(&header), total) {
                prop_assert!(length > 0 && start + length <= total);
            }
        }

        #[test]
        fn no_header_makes_it_panic(header in "\\PC{0,30}", total: u64) {
            let _ = select(Some(&header), total);
            let _ = chunk(&header);
        }
    }
}
