class Solution {
    public List<float> RescaleToUnit(List<float> numbers) {
        float low = numbers.Min(), high = numbers.Max();
        return numbers.Select(x => (x - low) / (high - low)).ToList();
    }
}
