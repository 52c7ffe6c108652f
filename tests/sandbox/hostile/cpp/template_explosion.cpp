// expected: no build
template <int N, class Left, class Right> struct Tree {
    using type = typename Tree<N - 1, Tree<N, Left, int>, Tree<N, int, Right>>::type;
    using other = typename Tree<N - 1, Tree<N, Right, char>, Tree<N, Left, char>>::type;
    static const int value = type::value + other::value;
};
template <class Left, class Right> struct Tree<0, Left, Right> {
    using type = Tree<0, Left, Right>;
    static const int value = 1;
};

int main() { return Tree<40, int, char>::value; }
