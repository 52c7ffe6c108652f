vector<string> numericalLetterGrade(vector<float> grades) {
    vector<pair<float, string>> steps = {{3.7f, "A"},  {3.3f, "A-"}, {3.0f, "B+"}, {2.7f, "B"},
                                         {2.3f, "B-"}, {2.0f, "C+"}, {1.7f, "C"},  {1.3f, "C-"},
                                         {1.0f, "D+"}, {0.7f, "D"},  {0.0f, "D-"}};
    vector<string> letters;
    for (float grade : grades) {
        string letter = "E";
        for (auto step = steps.rbegin(); step != steps.rend(); ++step)
            if (grade > step->first) letter = step->second;
        letters.push_back(grade == 4.0f ? "A+" : letter);
    }
    return letters;
}
