//! Saved sessions of the real classes in hosts of both formats.

use plugin::classes::{ALL, Class, Unspill8, UnspillTrack};
use plugin::guard::param_id_hash;

use super::host::{Host, SetUp, TestBus};
use super::instances::{both, load, ramps, saved_param, set, strip};
use super::random::random;

#[test]
fn a_state_saved_at_any_moment_holds_the_last_value_set() {
    let amount = param_id_hash("amount");
    let check = |host: &dyn Host, percent: f64, when: &str| {
        assert!((host.param(amount) - percent / 100.0).abs() < 1e-6, "shown {when}");
        let saved = saved_param(host, "amount");
        assert!((saved["f32"].as_f64().unwrap() - percent).abs() < 1e-4, "saved {when}: {saved}");
    };
    for mut host in both(&UnspillTrack::DESC) {
        let block = |host: &dyn Host, changes: &[(u32, f64)]| {
            let mut output = [TestBus::output(2, 64)];
            assert!(host.process(&mut [], &mut output, 64, changes));
        };
        host.set_param(amount, 0.1);
        check(&*host, 10.0, "while inactive");
        assert!(host.activate(SetUp::default()));
        block(&*host, &[]);
        host.set_param(amount, 0.25);
        check(&*host, 25.0, "before the next block");
        host.set_param(amount, 0.5);
        host.set_param(amount, 0.75);
        check(&*host, 75.0, "after two more");
        // The value of a block is newer.
        host.set_param(amount, 0.6);
        block(&*host, &[(amount, 0.6), (param_id_hash("bypass"), 1.0)]);
        block(&*host, &[(amount, 0.4)]);
        check(&*host, 40.0, "after a block that brought another");
        host.set_param(amount, 0.3);
        host.deactivate();
        check(&*host, 30.0, "after the last block");
        // A loaded state is newer, too.
        assert!(host.activate(SetUp::default()));
        let saved = host.save();
        host.set_param(amount, 0.9);
        assert!(host.load(&saved));
        check(&*host, 30.0, "after a state was loaded");
        host.set_param(amount, f64::NAN);
        check(&*host, 30.0, "after nonsense");
    }
}

#[test]
fn a_value_that_no_block_has_brought_counts_from_the_deactivation_on() {
    for mut host in both(&UnspillTrack::DESC) {
        let live = host.latency();
        assert!(host.activate(SetUp::default()));
        set(&*host, "mode", 1.0);
        host.deactivate();
        assert!(host.latency() > live);
        assert!(host.activate(SetUp::default()));
        assert!(host.latency() > live);
    }
}

#[test]
fn a_saved_session_comes_back_in_either_format() {
    for class in ALL {
        let [clap, vst3] = both(class);
        set(&*clap, "amount", 0.25);
        set(&*clap, "mic1_instrument", 0.5);
        set(&*clap, "pair1_2", 0.125);
        let saved = clap.save();
        assert!(vst3.load(strip(&saved)));
        for id in ["amount", "mic1_instrument", "pair1_2", "mode", "mic2_role"] {
            let id = param_id_hash(id);
            if !(0..clap.num_params()).any(|index| clap.param_id(index) == Some(id)) {
                continue;
            }
            assert!((vst3.param(id) - clap.param(id)).abs() < 1e-6, "{}", class.name);
        }
        let again = vst3.save();
        let text = String::from_utf8_lossy;
        assert_eq!(text(strip(&again)), text(strip(&saved)), "{}", class.name);
    }
}

#[test]
fn a_session_saved_by_0_1_still_loads() {
    let saved = include_bytes!("../fixtures/state-0.1.json");
    for (host, is_clap) in both(&Unspill8::DESC).iter().zip([true, false]) {
        assert!(load(&**host, is_clap, saved));
        for (id, normalized) in [
            ("bypass", 0.0),
            ("amount", 0.8),
            ("mode", 1.0),
            ("mic1_instrument", 1.0 / 17.0),
            ("mic2_instrument", 2.0 / 17.0),
            ("mic3_instrument", 2.0 / 17.0),
            ("mic2_group", 0.125),
            ("mic3_group", 0.125),
            ("mic8_role", 0.5),
            ("mic1_floor", 0.7),
            ("mic1_amount", 0.9),
            ("mic4_solo", 1.0),
            ("pair1_2", 0.35),
            ("pair8_7", 1.0),
        ] {
            let value = host.param(param_id_hash(id));
            assert!((value - normalized).abs() < 1e-6, "{id}: {value}");
        }
    }
}

#[test]
fn a_session_from_the_future_loads_as_far_as_it_is_understood() {
    let future = br#"{"version": "9.0.0", "fields": {"format": "77", "other": "1"}, "params": {
        "amount": {"f32": 40.0}, "mic1_floor": {"f32": -1e30}, "mic2_amount": {"f32": 1e30},
        "mic1_instrument": {"string": "theremin"}, "mic2_instrument": {"string": "tom"},
        "mic3_instrument": {"i32": 5}, "listen": {"bool": true}, "mic99_amount": {"f32": 3.0},
        "wholly_new": {"string": "?"}}}"#;
    for (host, is_clap) in both(&Unspill8::DESC).iter().zip([true, false]) {
        // The earlier values must not remain.
        for id in ["mic1_instrument", "mic3_instrument", "listen", "mic7_amount"] {
            set(&**host, id, 0.5);
        }
        let notices = host.notices().0;
        assert!(load(&**host, is_clap, future));
        for (id, normalized) in [
            ("amount", 0.4),
            ("mic1_floor", 0.0),
            ("mic2_amount", 1.0),
            ("mic1_instrument", 0.0),
            ("mic2_instrument", 4.0 / 17.0),
            ("mic3_instrument", 0.0),
            ("listen", 0.0),
            ("mic7_amount", 1.0),
        ] {
            let value = host.param(param_id_hash(id));
            assert!((value - normalized).abs() < 1e-6, "{id}: {value}");
        }
        assert_eq!(host.notices().0, notices + 1);
        let saved: serde_json::Value = serde_json::from_slice(strip(&host.save())).unwrap();
        assert_eq!(saved["params"]["mic2_amount"]["f32"], 100.0);
        assert_eq!(saved["params"]["mic1_floor"]["f32"], -80.0);
        assert_eq!(saved["fields"]["format"], "1");
        let card = &models::released().unwrap().card;
        assert_eq!(saved["fields"]["model_id"], card.id.as_str());
        assert_eq!(saved["fields"]["model_version"], card.version.as_str());
    }
}

#[test]
fn garbage_is_refused_and_leaves_the_instance_usable() {
    let good = include_bytes!("../fixtures/state-0.1.json");
    for (host, is_clap) in both(&Unspill8::DESC).iter_mut().zip([true, false]) {
        assert!(!host.load(&[]));
        assert!(!load(&**host, is_clap, b"{}"));
        assert!(!load(&**host, is_clap, b"null"));
        assert!(!host.load(&[0xFF; 64]));
        let mut state = 0x9E37_79B9_7F4A_7C15;
        let mut next = || random(&mut state);
        for length in (0..4096).step_by(61) {
            let noise: Vec<u8> = (0..length).map(|_| next().to_le_bytes()[0]).collect();
            assert!(!host.load(&noise), "{length}");
            assert!(!load(&**host, is_clap, &noise), "{length}");
        }
        // A valid state with one changed byte may or may not load, but nothing breaks.
        for position in (0..good.len()).step_by(97) {
            let mut bytes = good.to_vec();
            bytes[position] = next().to_le_bytes()[0];
            load(&**host, is_clap, &bytes);
            load(&**host, is_clap, &good[..position]);
        }
        assert!(load(&**host, is_clap, good));
        assert!(host.activate(SetUp::default()));
        let mut output: Vec<_> = (0..8).map(|_| TestBus::output(1, 64)).collect();
        assert!(host.process(&mut ramps(&[1; 8], 64, 0), &mut output, 64, &[]));
    }
}
