// expected: no build
constexpr unsigned long spin(unsigned long n) {
    unsigned long sum = 0;
    for (unsigned long i = 0; i < n; i++) sum += i;
    return sum;
}
template <unsigned long N> struct Many {
    static constexpr unsigned long value = spin(1000000000) + Many<N - 1>::value;
};
template <> struct Many<0> {
    static constexpr unsigned long value = 0;
};

int main() { return Many<800>::value; }
