/// Names in a sentence: `a`, `a or b`, `a, b or c`. `None` if there are none.
pub(crate) fn one_of(names: &[&str]) -> Option<String> {
    let (last, others) = names.split_last()?;
    Some(match others {
        [] => last.to_string(),
        others => format!("{} or {last}", others.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_name_follows_an_or() {
        assert_eq!(one_of(&[]), None);
        assert_eq!(one_of(&["a"]).as_deref(), Some("a"));
        assert_eq!(one_of(&["a", "b", "c"]).as_deref(), Some("a, b or c"));
    }
}
