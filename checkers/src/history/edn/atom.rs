//! Single tokens of EDN as values: numbers, keywords, symbols, characters; and escapes in strings.

use crate::history::ValueId;
use crate::history::values::Interner;

/// A value that is one token.
pub(super) fn atom(token: &str, names: &mut Interner) -> Option<ValueId> {
    let first = *token.as_bytes().first()?;
    let second = token.as_bytes().get(1).copied().unwrap_or_default();
    if first.is_ascii_digit() || matches!(first, b'-' | b'+') && second.is_ascii_digit() {
        return number(token, names);
    }
    Some(match token {
        "nil" => ValueId::NULL,
        "true" => names.value(&true.into()),
        "false" => names.value(&false.into()),
        _ => match first {
            b':' if token.len() > 1 => names.text(&token[1..]),
            b':' => return None,
            b'\\' => names.text(character(&token[1..])?.as_str()),
            _ => names.text(token),
        },
    })
}

fn number(token: &str, names: &mut Interner) -> Option<ValueId> {
    let digits = token.strip_prefix('+').unwrap_or(token);
    let whole = digits.strip_suffix('N').unwrap_or(digits);
    if let Ok(number) = whole.parse::<i64>() {
        return Some(names.integer(number));
    }
    let plain = whole.strip_prefix('-').unwrap_or(whole);
    let ratio = plain.split_once('/');
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if all_digits(plain) || ratio.is_some_and(|(top, bottom)| all_digits(top) && all_digits(bottom))
    {
        return Some(match whole.parse::<u64>() {
            Ok(number) => names.value(&number.into()),
            Err(_) => names.text(whole),
        });
    }
    let float: f64 = digits.strip_suffix('M').unwrap_or(digits).parse().ok()?;
    Some(names.value(&float.into()))
}

fn character(name: &str) -> Option<String> {
    Some(match name {
        "newline" => "\n".to_owned(),
        "return" => "\r".to_owned(),
        "space" => " ".to_owned(),
        "tab" => "\t".to_owned(),
        "" => return None,
        _ if name.len() == 5 && name.starts_with('u') => {
            char::from_u32(u32::from_str_radix(&name[1..], 16).ok()?)?.to_string()
        }
        other => other.to_owned(),
    })
}

/// A string without its escapes; `None`: one is unknown.
pub(super) fn unescaped(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            plain.push(letter);
            continue;
        }
        plain.push(match letters.next()? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            same @ ('"' | '\\' | '\'') => same,
            'u' => {
                let code: String = letters.by_ref().take(4).collect();
                // Half of a surrogate pair is no character of its own.
                char::from_u32(u32::from_str_radix(&code, 16).ok()?).unwrap_or('\u{fffd}')
            }
            _ => return None,
        });
    }
    Some(plain)
}
