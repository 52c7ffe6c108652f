class Solution {
    public decimal FindZero(List<int> xs) {
        Func<double, double> value = x => {
            double total = 0, power = 1;
            foreach (int coefficient in xs) {
                total += coefficient * power;
                power *= x;
            }
            return total;
        };
        double begin = -1, end = 1;
        while (value(begin) * value(end) > 0) {
            begin *= 2;
            end *= 2;
        }
        while (end - begin > 1e-10) {
            double center = (begin + end) / 2;
            if (value(center) * value(begin) > 0) begin = center;
            else end = center;
        }
        return (decimal)begin;
    }
}
