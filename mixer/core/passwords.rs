//! Passwords in URLs, which no text that is shown contains.

/// The text, in which each character of a password of a URL, as in `http://user:password@host`, is `*`.
#[must_use]
pub fn without_passwords(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, authority) = rest.split_at(at + 3);
        shown.push_str(before);
        let is_end = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '<' | '>');
        let len = authority.find(is_end).unwrap_or(authority.len());
        let (authority, behind) = authority.split_at(len);
        match authority.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?, host))) {
            Some(((user, password), host)) => {
                shown.extend([user, ":"]);
                shown.extend(password.chars().map(|_| '*'));
                shown.extend(["@", host]);
            }
            None => shown.push_str(authority),
        }
        rest = behind;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_of_urls_are_not_shown_and_all_else_stays_at_its_place() {
        for (text, shown) in [
            (
                "Config(pushgateway_url: \"http://me:s3cr@t@gw:9091/x\")",
                "Config(pushgateway_url: \"http://me:******@gw:9091/x\")",
            ),
            ("ftp://a:pässwort@b", "ftp://a:********@b"),
            ("http://a:b@c https://d:e@f", "http://a:*@c https://d:*@f"),
            (
                "http://me@gw, http://gw:9091, mail@host, a://",
                "http://me@gw, http://gw:9091, mail@host, a://",
            ),
            ("http://gw/path:1@x", "http://gw/path:1@x"),
        ] {
            assert_eq!(without_passwords(text), shown);
        }
    }
}
