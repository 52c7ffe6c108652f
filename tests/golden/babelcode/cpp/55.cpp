int fib(int n) {
    int before = 1, last = 0;
    for (int i = 0; i < n; i++) {
        int next = before + last;
        before = last;
        last = next;
    }
    return last;
}
