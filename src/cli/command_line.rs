//! The command line as it was typed.

/// Returns the command line of this program, quoted so that a POSIX shell reads the same arguments.
pub fn typed() -> String {
    let arguments = std::env::args_os().skip(1).map(|argument| quoted(&argument.to_string_lossy()));
    std::iter::once("bert8".to_owned()).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// Quotes `argument` for a POSIX shell, if it needs quotes.
fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%".contains(c);
    match !argument.is_empty() && argument.chars().all(plain) {
        true => argument.to_owned(),
        false => format!("'{}'", argument.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_shell_reads_quoted_arguments_as_they_were() {
        for (argument, expected) in [
            ("--max-drop=0.002", "--max-drop=0.002"),
            ("layer.5.*", "'layer.5.*'"),
            ("", "''"),
            ("it's $HOME", r"'it'\''s $HOME'"),
        ] {
            assert_eq!(quoted(argument), expected);
        }
    }
}
