// expected: no build
#include "/etc/shadow"
#include "@SECRET@"

int main() {}
