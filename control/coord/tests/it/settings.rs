//! Settings as people write them.

use acp_coord::{CoordSettings, DirectSettings, ZooKeeperSettings, connect_agent};

/// What is made of the text, or the start of the complaint.
fn check(text: &str, expect: Result<CoordSettings, &str>) {
    let settings = toml::from_str::<CoordSettings>(text).map_err(|error| error.to_string());
    match (settings, expect) {
        (Ok(settings), Ok(expect)) => assert_eq!(settings, expect, "{text}"),
        (Err(error), Err(expect)) => assert!(error.contains(expect), "{text}: {error}"),
        (found, expect) => panic!("{text}: {found:?} instead of {expect:?}"),
    }
}

#[test]
fn settings_are_read() {
    check("kind = 'direct'", Ok(CoordSettings::default()));
    let direct = DirectSettings { session_timeout_ms: 5_000, ..DirectSettings::default() };
    check("kind = 'direct'\nsession_timeout = '5s'", Ok(CoordSettings::Direct(direct)));
    let zookeeper = ZooKeeperSettings {
        connect: "a:1,b:2/x".to_string(),
        user: Some("acp".to_string()),
        ..ZooKeeperSettings::default()
    };
    check(
        "kind = 'zookeeper'\nconnect = 'a:1,b:2/x'\nuser = 'acp'",
        Ok(CoordSettings::ZooKeeper(zookeeper)),
    );
    check("", Err("missing field `kind`"));
    check("kind = 'etcd'", Err("unknown variant `etcd`"));
    check("kind = 'direct'\nconect = 'a'", Err("unknown field `conect`"));
    check("kind = 'zookeeper'\nsession_timeout_ms = 30", Err("unknown field `session_timeout_ms`"));
    check("kind = 'zookeeper'\nsession_timeout = -1", Err("invalid type"));
}

#[test]
fn settings_that_cannot_be_used() {
    for (change, complaint) in [
        ("connect = ''", "names no server"),
        ("connect = 'a:1,'", "names no server, or an empty one"),
        ("connect = '/acp'", "names no server"),
        ("connect = 'zk://a:1'", "is not a list of servers"),
        ("connect = 'a:1/x//y'", "is not a path"),
        ("connect = 'a:1'\nroot = 'acp'", "is not a path"),
        ("connect = 'a:1'\nroot = '/../acp'", "is not a path"),
        ("connect = 'a:1'\nsession_timeout = '0s'", "session_timeout is 0"),
        ("connect = 'a:1'\nuser = 'a:b'\npassword = 'x'", "it has a colon"),
        ("connect = 'a:1'\nuser = 'a'\npassword_file = '/no/such/file'", "failed to read"),
    ] {
        let settings = toml::from_str(&format!("kind = 'zookeeper'\n{change}")).unwrap();
        let error = connect_agent(&settings).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(complaint), "{change}: {error}");
    }
    let error = connect_agent(&CoordSettings::default()).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("no address of a control"), "{error}");
}

#[test]
fn secrets_are_neither_printed_nor_written() {
    let text = "kind = 'zookeeper'\nconnect = 'a:1'\nuser = 'u'\npassword = 'geheim'";
    let settings: CoordSettings = toml::from_str(text).unwrap();
    assert!(!format!("{settings:?}").contains("geheim"));
    assert!(!toml::to_string(&settings).unwrap().contains("geheim"));
}

#[test]
fn a_password_may_be_in_a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "geheim\r\n").unwrap();
    let path = file.path().display();
    let text = format!("kind = 'zookeeper'\nconnect = 'a:1'\nuser = 'u'\npassword_file = '{path}'");
    assert!(connect_agent(&toml::from_str(&text).unwrap()).is_ok());
}
