bool checkDictCase(map<string,string> dict) {
    bool lower = true, upper = true;
    for (const auto& entry : dict)
        for (char c : entry.first) {
            lower = lower && islower(c);
            upper = upper && isupper(c);
        }
    return !dict.empty() && (lower || upper);
}
