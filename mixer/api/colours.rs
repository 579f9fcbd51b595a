//! The colours of the page's lines, as people with each kind of colour vision see them.

/// Colours of lines, and of the ground below them.
struct Theme {
    lines: Vec<[f64; 3]>,
    paper: [f64; 3],
}

/// The simulations of protanopia, deuteranopia and tritanopia of Machado, Oliveira and Fernandes (2009), on linear RGB.
const VISIONS: [[[f64; 3]; 3]; 4] = [
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    [
        [0.152_286, 1.052_583, -0.204_868],
        [0.114_503, 0.786_281, 0.099_216],
        [-0.003_882, -0.048_116, 1.051_998],
    ],
    [
        [0.367_322, 0.860_646, -0.227_968],
        [0.280_085, 0.672_501, 0.047_413],
        [-0.011_820, 0.042_940, 0.968_881],
    ],
    [
        [1.255_528, -0.076_749, -0.178_779],
        [-0.078_411, 0.930_809, 0.147_602],
        [0.004_733, 0.691_367, 0.303_900],
    ],
];
/// Oklab (<https://bottosson.github.io/posts/oklab/>): linear RGB to cone responses, and their cube roots to lightness and hue.
const CONES: [[f64; 3]; 3] = [
    [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
    [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
    [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
];
const OKLAB: [[f64; 3]; 3] = [
    [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
    [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
    [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
];
const LINES: usize = 8;
/// The palette of Okabe and Ito, made for this, has 0.076.
const DISTANCE_MIN: f64 = 0.1;
/// Contrast of graphics in WCAG 2.
const CONTRAST_MIN: f64 = 2.99;

fn times(matrix: &[[f64; 3]; 3], vector: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
}

fn linear(hex: &str) -> [f64; 3] {
    [1, 3, 5].map(|at| {
        let part = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    })
}

fn seen(colour: [f64; 3], vision: &[[f64; 3]; 3]) -> [f64; 3] {
    let cones = times(&CONES, times(vision, colour).map(|part| part.clamp(0.0, 1.0)));
    times(&OKLAB, cones.map(f64::cbrt))
}

fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let [a, b] = [a, b].map(|colour| 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2] + 0.05);
    a.max(b) / a.min(b)
}

/// The blocks of the style sheet that define colours: light, dark by the system, dark by choice.
fn themes() -> Vec<Theme> {
    let css = include_str!("page/style.css");
    let of = |block: &str| {
        let value = |name: &str| block.split_once(&format!("--{name}: ")).map(|(_, rest)| linear(&rest[..7]));
        let lines: Vec<_> = (0..LINES).filter_map(|line| value(&format!("line-{line}"))).collect();
        value("paper").filter(|_| lines.len() == LINES).map(|paper| Theme { lines, paper })
    };
    css.split('}').filter_map(of).collect()
}

#[test]
fn the_first_lines_differ_in_every_colour_vision_and_stand_out_from_their_ground() {
    let themes = themes();
    assert_eq!(themes.len(), 3);
    for Theme { lines, paper } in themes {
        for (at, line) in lines.iter().enumerate() {
            assert!(contrast(*line, paper) >= CONTRAST_MIN, "line {at}: {}", contrast(*line, paper));
            for (other, vision) in (0..at).flat_map(|other| VISIONS.iter().map(move |vision| (other, vision)))
            {
                let pair = [*line, lines[other]].map(|colour| seen(colour, vision));
                let distance = (0..3).map(|part| (pair[0][part] - pair[1][part]).powi(2)).sum::<f64>().sqrt();
                assert!(distance >= DISTANCE_MIN, "lines {other} and {at}: {distance}");
            }
        }
    }
}
