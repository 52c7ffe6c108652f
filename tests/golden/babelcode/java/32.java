class Solution {
    public Double findZero(ArrayList<Integer> xs) {
        double begin = -1, end = 1;
        while (value(xs, begin) * value(xs, end) > 0) {
            begin *= 2;
            end *= 2;
        }
        while (end - begin > 1e-10) {
            double center = (begin + end) / 2;
            if (value(xs, center) * value(xs, begin) > 0) {
                begin = center;
            } else {
                end = center;
            }
        }
        return begin;
    }

    private double value(ArrayList<Integer> xs, double x) {
        double total = 0, power = 1;
        for (int coefficient : xs) {
            total += coefficient * power;
            power *= x;
        }
        return total;
    }
}
