//! A model with two tables, a histogram and nested parameters; a scenario that follows a lever; and a generator that sleeps in a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use promemu_plugin::{
    Family, Generator, Model, Param, Params, Refused, Scenario, Table, Tables, Tick, export_plugin,
};

const SHOP: Param = Param::record(
    "shop",
    &[
        Param::text("city", "", "where it is"),
        Param::range("basket", "(1, 10)", "value of a sale, in euros"),
        Param::map("prices", &Param::number("price", "", "price in euros"), "{}", "prices by article"),
    ],
    "",
    "one shop",
);

/// Sales of shops, and the prices of what they sell.
struct Shops {
    shops: Vec<Shop>,
    sales: u64,
}

struct Shop {
    city: String,
    basket: (f64, f64),
    prices: Vec<(String, f64)>,
}

impl Shops {
    fn prices(&self) -> impl Iterator<Item = (&str, &str, f64)> {
        self.shops.iter().flat_map(|shop| {
            shop.prices.iter().map(|(article, price)| (shop.city.as_str(), article.as_str(), *price))
        })
    }
}

impl Model for Shops {
    const NAME: &'static str = "shops";
    const SUMMARY: &'static str = "shops that sell";
    const PARAMS: &'static [Param] = &[Param::list("shops", &SHOP, "", "the shops").or_file()];
    const SAVES: bool = true;

    fn new(params: &Params<'_>) -> Result<Self, Refused> {
        let mut shops: Vec<Shop> = Vec::new();
        for shop in params.items("shops") {
            let city = shop.text("city");
            if shops.iter().any(|other| other.city == city) {
                shop.refuse("city", format!("must differ from those before it, but is {city:?}"));
            }
            let mut prices = Vec::new();
            for (article, price) in shop.entries("prices") {
                if price.number("price") < 0.0 {
                    price.refuse("price", "must be 0 or more");
                }
                prices.push((article.to_owned(), price.number("price")));
            }
            shops.push(Shop { city: city.to_owned(), basket: shop.range("basket"), prices });
        }
        Ok(Self { shops, sales: 0 })
    }

    fn describe(&self) -> Result<Vec<Table>, String> {
        let count = |count: usize| u32::try_from(count.max(1)).map_err(|error| error.to_string());
        Ok(vec![
            Table {
                name: "shops".to_owned(),
                labels: "city".to_owned(),
                rows_max: count(self.shops.len())?,
                families: vec![
                    Family::counter("shop_sales_total", "sales"),
                    Family::histogram("shop_basket_euros", "value of a sale", &[2.0, 5.0]),
                    Family::native_histogram("shop_basket_native_euros", "value of a sale", 3),
                    Family::stateset("shop_state", "state of a shop", &["closed", "open"]),
                ],
            },
            Table {
                name: "prices".to_owned(),
                labels: "city,article".to_owned(),
                rows_max: count(self.prices().count())?,
                families: vec![Family::gauge("shop_price_euros", "price of an article")],
            },
        ])
    }

    fn advance(&mut self, tick: &mut Tick<'_>, tables: &mut Tables<'_>) -> Result<(), String> {
        if self.sales == 0 {
            for (row, shop) in (0..).zip(&self.shops) {
                tables.begin(0, row, tick.now_nanos(), &[&shop.city]);
                tables.set(0, row, 3, 1.0);
            }
            for (row, (city, article, price)) in (0..).zip(self.prices()) {
                tables.begin(1, row, tick.now_nanos(), &[city, article]);
                tables.set(1, row, 0, price);
            }
        }
        self.sales += 1;
        let now = tick.now_nanos();
        let load = tick.lever_at("load", now).unwrap_or(1.0);
        if let Some(edge) = tick.lever_edge("load", now) {
            tick.wake_at(edge);
        }
        for (row, shop) in (0..).zip(&self.shops) {
            let value = tick.uniform(shop.basket.0, shop.basket.1);
            tables.add(0, row, 0, 2.0 * load);
            tables.observe(0, row, 1, value, 2);
            tables.observe(0, row, 2, value, 2);
        }
        Ok(())
    }

    fn save(&self) -> Result<Vec<u8>, String> {
        Ok(self.sales.to_le_bytes().to_vec())
    }

    fn load(params: &Params<'_>, saved: &[u8]) -> Result<Self, Refused> {
        let sales = saved.try_into().map_err(|_| "the state has another length")?;
        Ok(Self { sales: u64::from_le_bytes(sales), ..Self::new(params)? })
    }
}

/// Sleeps 200 ms again and again, and counts.
struct Sleeper {
    is_stubborn: bool,
    sleeps: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Generator for Sleeper {
    const NAME: &'static str = "sleeper";
    const SUMMARY: &'static str = "sleeps, and counts how often";
    const PARAMS: &'static [Param] =
        &[Param::choice("stubborn", "false,true", "false", "true: it does not stop in time")];

    fn new(params: &Params<'_>) -> Result<Self, Refused> {
        Ok(Self {
            is_stubborn: params.choice("stubborn") == "true",
            sleeps: Arc::default(),
            is_over: Arc::default(),
            thread: None,
        })
    }

    fn describe(&self) -> Result<Vec<Table>, String> {
        let families = vec![Family::counter("sleeps_total", "how often it has slept")];
        Ok(vec![Table { name: "sleeper".to_owned(), labels: String::new(), rows_max: 1, families }])
    }

    fn start(&mut self) -> Result<(), String> {
        let (sleeps, is_over) = (Arc::clone(&self.sleeps), Arc::clone(&self.is_over));
        self.thread = Some(thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                // The work of this generator is to sleep.
                thread::sleep(Duration::from_millis(200));
                sleeps.fetch_add(1, Ordering::Relaxed);
            }
        }));
        Ok(())
    }

    fn collect(&mut self, tick: &mut Tick<'_>, tables: &mut Tables<'_>) -> Result<(), String> {
        if tables.row(0, 0)[0] == 0.0 {
            tables.begin(0, 0, tick.now_nanos(), &[]);
        }
        tables.set(0, 0, 0, self.sleeps.load(Ordering::Relaxed) as f64);
        Ok(())
    }

    fn stop(&mut self, deadline: Duration) {
        if self.is_stubborn {
            // A test waits until promemu has left this thread behind.
            thread::sleep(deadline * 10);
        }
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Shows the lever `load`, with an update of its own at each of its edges.
struct Pace;

impl Scenario for Pace {
    const NAME: &'static str = "pace";
    const SUMMARY: &'static str = "the lever load";

    fn new(_params: &Params<'_>) -> Result<Self, Refused> {
        Ok(Self)
    }

    fn update(&mut self, tick: &mut Tick<'_>) -> Result<Option<f64>, String> {
        let now = tick.now_nanos();
        if let Some(edge) = tick.lever_edge("load", now) {
            tick.wake_at(edge);
        }
        Ok(tick.lever_at("load", now))
    }
}

export_plugin!(scenarios: [Pace], models: [Shops], generators: [Sleeper]);
