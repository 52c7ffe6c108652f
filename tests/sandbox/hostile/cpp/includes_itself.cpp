// expected: no build
#include "main.cpp"
#include "main.cpp"

int main() {}
