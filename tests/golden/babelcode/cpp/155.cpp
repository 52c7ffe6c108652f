vector<int> evenOddCount(int num) {
    int even = 0, odd = 0;
    for (char digit : to_string(abs(num))) (digit % 2 == 0 ? even : odd)++;
    return {even, odd};
}
