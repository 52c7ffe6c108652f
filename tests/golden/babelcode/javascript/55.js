function fib(n) {
    let [current, following] = [0, 1];
    for (let i = 0; i < n; i++) {
        [current, following] = [following, current + following];
    }
    return current;
}
