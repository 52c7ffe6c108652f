string intToMiniRoman(int number) {
    const vector<pair<int, string>> symbols = {{1000, "m"}, {900, "cm"}, {500, "d"}, {400, "cd"}, {100, "c"},
                                               {90, "xc"},  {50, "l"},   {40, "xl"}, {10, "x"},   {9, "ix"},
                                               {5, "v"},    {4, "iv"},   {1, "i"}};
    string roman;
    for (const auto& symbol : symbols)
        for (; number >= symbol.first; number -= symbol.first) roman += symbol.second;
    return roman;
}
