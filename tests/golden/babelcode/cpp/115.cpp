int maxFill(vector<vector<int>> grid, int capacity) {
    int times = 0;
    for (const auto& well : grid) {
        int water = accumulate(well.begin(), well.end(), 0);
        times += (water + capacity - 1) / capacity;
    }
    return times;
}
