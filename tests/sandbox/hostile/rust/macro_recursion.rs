// expected: no build
#![recursion_limit = "1000000"]
macro_rules! twice {
    ($($body:tt)*) => { twice!($($body)* $($body)* x) };
}

fn main() {
    twice!(x);
}
