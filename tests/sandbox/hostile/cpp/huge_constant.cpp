// expected: no build
int numbers[1L << 29] = {1};

int main() { return numbers[0]; }
