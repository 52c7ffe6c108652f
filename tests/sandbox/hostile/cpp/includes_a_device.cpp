// expected: no build
#include "/dev/urandom"

int main() {}
